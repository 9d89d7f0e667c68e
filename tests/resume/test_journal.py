"""The journal: what is not as a sweep wrote it is counted again, a stranger's file is refused."""

import hashlib
import json
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.errors import PluginError, UsageError
from flopbench.resume.journal import Journal, fingerprint, journal_path

JOURNAL = ".sweep.journal"
SWEEP = {"points": "digest"}
COUNTS = {f"prefill/{n}": {"layer": 64 * n, "head": 1000 * n} for n in range(1, 6)}


def is_count(data):
    flops = data.get("flops") if isinstance(data, dict) else None
    return isinstance(flops, dict) and all(type(n) is int for n in flops.values())


def opened(folder, settings=SWEEP):
    return Journal(folder, "sweep", settings, is_count)


def data(flops):
    return {"flops": flops, "method": "concrete", "own_ops": ["aten.solve"]}


def written(folder):
    """Write a journal of five counts; return its lines."""
    assert journal_path(folder, "sweep") == folder / JOURNAL
    journal = opened(folder)
    for unit, flops in COUNTS.items():
        journal.add(unit, data(flops))
    journal.close(finished=False)
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


def read(folder):
    """Return the counts that the next sweep finds."""
    journal = opened(folder)
    journal.close(finished=False)
    assert (folder / JOURNAL).read_bytes().count(b"\n") == 1 + len(journal.entries)
    return {unit: entry["flops"] for unit, entry in journal.entries.items()}


def first(number):
    return dict(list(COUNTS.items())[:number])


def test_what_was_written_is_found_again_and_goes_on(tmp_path, caplog):
    written(tmp_path)
    assert read(tmp_path) == COUNTS
    journal = opened(tmp_path)
    journal.add_all({f"prefill/{n}": data({"layer": n}) for n in (9, 10)})
    journal.close(finished=False)
    assert read(tmp_path) == {**COUNTS, "prefill/9": {"layer": 9}, "prefill/10": {"layer": 10}}
    assert not caplog.records


CHANGES = {
    "a count": lambda lines: lines[3].replace(b"192", b"193"),
    "a method": lambda lines: lines[3].replace(b"concrete", b"symbolic"),
    "an own op": lambda lines: lines[3].replace(b"aten.solve", b"aten.solvd"),
    "a name": lambda lines: lines[3].replace(b"layer", b"mayer"),
    "a unit": lambda lines: lines[3].replace(b"prefill/3", b"prefill/4"),
    "a line again": lambda lines: lines[2],
    "a line of another": lambda lines: lines[4],
    "a list": lambda lines: b'{"name": "prefill/3", "data": [["layer", 1]]}\n',
    "no digest": lambda lines: b'{"name": "prefill/3", "data": {"flops": {"layer": 192}}}\n',
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
    said = "line 4 was changed since it was written; it and the 2 lines after it are made again"
    assert said in record.getMessage()
    caplog.clear()
    assert read(tmp_path) == first(2)
    assert not caplog.records


@pytest.mark.parametrize(
    ("line", "again"),
    [
        (2, "it and the 4 lines after it are made again"),
        (5, "it and the 1 line after it are made again"),
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


@given(drawn=st.data())
def test_no_flipped_bit_is_taken_for_a_count(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("journal")
    whole = b"".join(written(folder))
    place = drawn.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    (folder / JOURNAL).write_bytes(changed)
    try:
        found = read(folder)
    except UsageError as error:
        assert "its first line was changed" in str(error)  # noqa: PT017 - the other outcome
    else:
        assert found.items() <= COUNTS.items()


@pytest.mark.parametrize(
    "text", ["notes\n", "{}\n", '{"command": "sweep", "settings": {"points": "digest"}}\n']
)
def test_a_file_that_no_sweep_began_is_refused_as_it_is(tmp_path, text):
    (tmp_path / JOURNAL).write_text(text)
    said = (
        r"\.sweep\.journal was written by another version of flopbench, or its first line was "
        "changed: delete it to start again$"
    )
    with pytest.raises(UsageError, match=said):
        opened(tmp_path)
    assert (tmp_path / JOURNAL).read_text() == text


def test_a_line_that_a_kill_cut_short_is_counted_again(tmp_path, caplog):
    lines = written(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines[:2]) + lines[2][:-9])
    assert read(tmp_path) == first(1)
    assert not caplog.records
    with pytest.raises(UsageError, match="other settings"):
        opened(tmp_path, {"points": "another"})


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(UsageError, match="it is not a regular file"):
        opened(tmp_path)
    (tmp_path / JOURNAL).unlink()
    (tmp_path / "mine").write_text(json.dumps({"mine": 1}))
    (tmp_path / JOURNAL).symlink_to(tmp_path / "mine")
    with pytest.raises(UsageError, match="is not a"):
        opened(tmp_path)
    assert json.loads((tmp_path / "mine").read_text()) == {"mine": 1}


WRONG_FORMS = (
    {"data": [["c", 1]]},
    {"data": {"flops": {"layer": "1"}}},
    {"data": None},
    {"name": []},
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


def test_a_journal_of_another_command_is_refused(tmp_path):
    written(tmp_path)
    (tmp_path / JOURNAL).rename(tmp_path / ".survey.journal")
    with pytest.raises(UsageError, match="its first line was changed"):
        Journal(tmp_path, "survey", SWEEP)


def test_a_setting_without_a_canonical_text_is_named():
    with pytest.raises(PluginError, match="a survey cannot make a digest of its model, which"):
        fingerprint("survey", {"points": 1, "model": object()})
    one, other = (fingerprint("survey", {"points": n, "model": "m"}) for n in (1, 2))
    assert {name for name in one if one[name] != other[name]} == {"points"}
