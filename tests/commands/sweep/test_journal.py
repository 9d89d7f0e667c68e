"""The journal: what is not as a sweep wrote it is counted again, a stranger's file is refused."""

import hashlib
import json
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.commands.sweep.journal import JOURNAL, Journal
from flopbench.commands.sweep.units import UnitCount
from flopbench.errors import UsageError
from flopbench.vendor.method import Method

SWEEP = {"points": "digest"}
COUNTS = {f"prefill/{n}": {"layer": 64 * n, "head": 1000 * n} for n in range(1, 6)}


def written(folder):
    """Write a journal of five counts; return its lines."""
    journal = Journal(folder, SWEEP)
    for unit, flops in COUNTS.items():
        journal.add(unit, UnitCount(flops, Method.CONCRETE, own_ops=("aten.solve",)))
    journal.close(finished=False)
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


def read(folder):
    """Return the counts that the next sweep finds."""
    journal = Journal(folder, SWEEP)
    journal.close(finished=False)
    assert (folder / JOURNAL).read_bytes().count(b"\n") == 1 + len(journal.entries)
    return {unit: entry["flops"] for unit, entry in journal.entries.items()}


def first(number):
    return dict(list(COUNTS.items())[:number])


def test_what_was_written_is_found_again_and_goes_on(tmp_path, caplog):
    written(tmp_path)
    assert read(tmp_path) == COUNTS
    journal = Journal(tmp_path, SWEEP)
    journal.add("prefill/9", UnitCount({"layer": 9}, Method.SYMBOLIC))
    journal.close(finished=False)
    assert read(tmp_path) == {**COUNTS, "prefill/9": {"layer": 9}}
    assert not caplog.records


CHANGES = {
    "a count": lambda lines: lines[3].replace(b"192", b"193"),
    "a method": lambda lines: lines[3].replace(b"concrete", b"symbolic"),
    "an own op": lambda lines: lines[3].replace(b"aten.solve", b"aten.solvd"),
    "a name": lambda lines: lines[3].replace(b"layer", b"mayer"),
    "a unit": lambda lines: lines[3].replace(b"prefill/3", b"prefill/4"),
    "a line again": lambda lines: lines[2],
    "a line of another": lambda lines: lines[4],
    "a list": lambda lines: b'{"unit": "prefill/3", "flops": [["layer", 1]]}\n',
    "no digest": lambda lines: b'{"unit": "prefill/3", "flops": {"layer": 192}}\n',
    "depth": lambda lines: b"[" * 100_000 + b"\n",
    "digits": lambda lines: b"9" * 5000 + b"\n",
    "bytes": lambda lines: b"\xff\0\n",
    "nothing": lambda lines: b"\n",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_and_all_after_it_is_counted_again(tmp_path, caplog, change):
    lines = written(tmp_path)
    lines[3] = CHANGES[change](lines)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    assert read(tmp_path) == first(2)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    said = "line 4 was changed since it was written; it and the 2 counts after it are made again"
    assert said in record.getMessage()
    caplog.clear()
    assert read(tmp_path) == first(2)
    assert not caplog.records


@pytest.mark.parametrize(
    ("line", "again"),
    [
        (2, "it and the 4 counts after it are made again"),
        (5, "it and the 1 count after it are made again"),
        (6, "it is made again"),
    ],
)
def test_the_warning_says_which_line_and_how_many_after_it(tmp_path, caplog, line, again):
    lines = written(tmp_path)
    lines[line - 1] = b"{}\n"
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    assert read(tmp_path) == first(line - 2)
    (message,) = caplog.messages
    assert message.endswith(f": line {line} was changed since it was written; {again}")


def test_lines_that_are_gone_or_swapped_are_counted_again(tmp_path):
    lines = written(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:2] + lines[3:]))
    assert read(tmp_path) == first(1)
    lines[2], lines[3] = lines[3], lines[2]
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    assert read(tmp_path) == first(1)


@given(st.data())
def test_no_flipped_bit_is_taken_for_a_count(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("journal")
    whole = b"".join(written(folder))
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    (folder / JOURNAL).write_bytes(changed)
    try:
        found = read(folder)
    except UsageError as error:
        assert "its first line was changed" in str(error)  # noqa: PT017 - the other outcome
    else:
        assert found.items() <= COUNTS.items()


@pytest.mark.parametrize("text", ["notes\n", "{}\n", '{"sweep": {"points": "digest"}}\n'])
def test_a_file_that_no_sweep_began_is_refused_as_it_is(tmp_path, text):
    (tmp_path / JOURNAL).write_text(text)
    said = (
        r"\.sweep\.journal was written by another version of flopbench, or its first line was "
        "changed: delete it to start again$"
    )
    with pytest.raises(UsageError, match=said):
        Journal(tmp_path, SWEEP)
    assert (tmp_path / JOURNAL).read_text() == text


def test_a_line_that_a_kill_cut_short_is_counted_again(tmp_path, caplog):
    lines = written(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:2]) + lines[2][:-9])
    assert read(tmp_path) == first(1)
    assert not caplog.records
    with pytest.raises(UsageError, match="other settings"):
        Journal(tmp_path, {"points": "another"})


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(UsageError, match="it is not a regular file"):
        Journal(tmp_path, SWEEP)
    (tmp_path / JOURNAL).unlink()
    (tmp_path / "mine").write_text(json.dumps({"mine": 1}))
    (tmp_path / JOURNAL).symlink_to(tmp_path / "mine")
    with pytest.raises(UsageError, match="is not a"):
        Journal(tmp_path, SWEEP)
    assert json.loads((tmp_path / "mine").read_text()) == {"mine": 1}


WRONG_FORMS = (
    {"flops": [["c", 1]]},
    {"flops": {"layer": "1"}},
    {"flops": {"layer": -1}},
    {"flops": {"layer": 1.5}},
    {"flops": {"layer": True}},
    {"flops": 5},
    {"flops": None},
    {"unit": []},
    {"method": "law"},
    {"method": None},
    {"error": 7},
    {"another": 1},
)


@pytest.mark.parametrize("change", WRONG_FORMS, ids=str)
def test_a_line_of_another_form_is_counted_again_although_its_digest_fits(tmp_path, change):
    lines = written(tmp_path)
    entries = [json.loads(line) for line in lines]
    for entry in entries:
        del entry["chain"]
    entries[3] |= change
    text, digest = b"", ""
    for entry in entries:
        digest = hashlib.sha256((digest + json.dumps(entry, sort_keys=True)).encode()).hexdigest()
        text += json.dumps({**entry, "chain": digest}).encode() + b"\n"
    (tmp_path / JOURNAL).write_bytes(text)
    assert read(tmp_path) == first(2)
