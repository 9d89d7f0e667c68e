"""The journal: a line that was cut short is counted again, one of a stranger's is refused."""

import json

import pytest

from flopbench.commands.sweep.journal import Journal
from flopbench.errors import UsageError

ENTRY = {"unit": "prefill/0", "flops": {"layer": 64}, "method": "concrete", "error": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"flops": {"layer": "64"}},
        {"flops": {"layer": 64.0}},
        {"flops": {"layer": True}},
        {"flops": {"layer": float("nan")}},
        {"flops": {"layer": 0}},
        {"flops": {"layer": -5}},
        {"flops": {}},
        {"flops": 64},
        {"flops": None},
        {"method": "guess"},
        {"error": "but counted"},
        {"unit": 3},
    ],
)
def test_a_journal_that_no_sweep_wrote_is_refused(tmp_path, wrong):
    sweep = {"points": "digest"}
    path = tmp_path / ".sweep.journal"
    path.write_text(json.dumps({"sweep": sweep}) + "\n" + json.dumps(ENTRY) + "\n")
    journal = Journal(tmp_path, sweep)
    assert journal.entries == {"prefill/0": ENTRY}
    journal.close(finished=False)
    text = json.dumps({"sweep": sweep}) + "\n" + json.dumps(ENTRY | wrong) + "\n"
    path.write_text(text)
    with pytest.raises(UsageError, match="is not a sweep's journal"):
        Journal(tmp_path, sweep)
    assert path.read_text() == text


def test_a_line_that_a_kill_cut_short_is_counted_again(tmp_path):
    journal = Journal(tmp_path, {"points": "digest"})
    journal.add("vision/0", {"vision/sam": 7}, "concrete", None)
    journal.close(finished=False)
    with (tmp_path / ".sweep.journal").open("a") as stream:
        stream.write('{"unit": "vision/1", "fl')
    again = Journal(tmp_path, {"points": "digest"})
    assert set(again.entries) == {"vision/0"}
    again.close(finished=False)
    with pytest.raises(UsageError, match="other settings"):
        Journal(tmp_path, {"points": "another"})
