"""Killed, crowded and failing surveys: each row is kept, and the same wherever it is made."""

import json
import signal
import time

import pytest

from toy.survey import ToySurvey

JOURNAL = ".survey.journal"
FILES = {"survey.json", "survey.csv", "survey.md", "survey.parquet", ".survey.files"}


@pytest.fixture
def toy(tmp_path):
    return ToySurvey(tmp_path, points=4)


def verdicts(toy, out):
    return [row["verdict"] for row in toy.report(out)["configs"]]


def journaled(toy, out):
    """Return the configs whose rows are on the disk."""
    path = toy.folder / out / JOURNAL
    lines = path.read_text().splitlines(keepends=True)[1:] if path.exists() else []
    return {json.loads(line)["name"] for line in lines if line.endswith("\n")}


@pytest.mark.slow
def test_a_killed_survey_resumes_to_the_bytes_of_an_undisturbed_one(toy):
    assert toy.run("whole") == (0, "")
    whole = toy.files("whole")
    assert set(whole) == FILES
    assert verdicts(toy, "whole") == ["verified"] * 4
    toy.log.unlink()
    process = toy.start("killed", "--jobs", "2", TOY_SECONDS="0.2")
    deadline = time.monotonic() + 120
    while len(journaled(toy, "killed")) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    finished, started = journaled(toy, "killed"), len(toy.counted())
    assert finished
    assert set(toy.files("killed")) == {JOURNAL, ".survey.lock"}
    assert toy.run("killed") == (0, "")
    assert toy.files("killed") == whole
    again = {f"configs/{rows:02}.json" for rows in toy.counted()[started:]}
    assert again == {f"configs/{rows:02}.json" for rows in range(1, 5)} - finished


@pytest.mark.slow
def test_a_row_that_fails_is_a_row_and_only_it_and_changed_files_are_made_again(toy):
    settings = {"TOY_DIES": "1", "TOY_WRONG": "2", "TOY_FAILS": "3"}
    code, stderr = toy.run("out", **settings)
    assert (code, stderr) == (1, "")
    assert verdicts(toy, "out") == ["failed", "differs", "incomplete", "verified"]
    lost, differs, unlucky, fine = (row["reason"] for row in toy.report("out")["configs"])
    assert lost == "the process that ran it ended, perhaps out of memory"
    assert differs == "prefill: components differ: layer"
    assert "ValueError: 3 rows are unlucky" in unlucky
    assert fine is None
    code, stderr = toy.run("out", "--check", "prove")
    assert code == 2
    assert "--out out holds an unfinished survey with other settings (check)" in stderr
    # What failed, and what changed since, is made again; what differs was counted, and is kept.
    toy.log.unlink()
    (toy.folder / "configs" / "04.json").write_text('{"model_type": "toy", "rows": 9}')
    assert toy.run("out")[0] == 1
    assert sorted(toy.counted()) == [1, 9]
    assert verdicts(toy, "out") == ["verified", "differs", "incomplete", "verified"]
    flops = [row["stages"][0]["flops"] for row in toy.report("out")["configs"]]
    assert flops == [64 * rows for rows in (1, 2, 3, 9)]


def test_another_survey_in_the_folder_is_refused(toy):
    toy.hold.touch()
    first = toy.start("shared")
    while not toy.counted():
        time.sleep(0.01)
    code, stderr = toy.run("shared")
    toy.hold.unlink()
    assert code == 2
    assert "another survey is writing to --out shared" in stderr
    first.communicate(timeout=300)
    assert first.returncode == 0
