"""Killed, crowded and failing sweeps: nothing is lost, mixed up, or taken for a 0."""

import random
import signal
import time

import pytest

from sweep_helpers import ToySweep


@pytest.fixture
def toy(tmp_path):
    return ToySweep(tmp_path)


def undisturbed(toy):
    code, stderr = toy.run("undisturbed")
    assert (code, stderr) == (0, "")
    toy.log.unlink()
    return toy.files("undisturbed")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(toy, jobs):
    whole = undisturbed(toy)
    assert set(whole) == {"sweep.json", "sweep.csv", "sweep.md"}
    moments, kills = random.Random(int(jobs)), 0  # noqa: S311 - no secret
    for _ in range(6):
        process = toy.start("killed", "--jobs", jobs, TOY_SECONDS="0.1")
        started = len(toy.counted())
        # A random time after start, but not before the first of its counts, mostly.
        deadline = time.monotonic() + 20
        patience = moments.choice([0, 1, 1, 1])
        while patience and len(toy.counted()) == started and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        finished = toy.folder / "killed" / "sweep.json"
        assert not finished.exists() or finished.read_bytes() == whole["sweep.json"]
    assert kills >= 3
    before = len(toy.counted())
    assert before > 0
    assert toy.run("killed", "--jobs", jobs) == (0, "")
    assert toy.files("killed") == whole
    # All that is counted twice is what was in work, or its answer on the way, at a kill.
    repeated = len(toy.counted()) - toy.points
    assert repeated <= 2 * int(jobs) * kills
    assert set(toy.counted()) == set(range(1, toy.points + 1))


def test_killed_while_it_writes_its_last_files_it_is_the_same_again(toy):
    whole = undisturbed(toy)
    folder = toy.folder / "undisturbed"
    (folder / "sweep.json").unlink()
    (folder / "sweep.md").write_text("of another sweep")
    assert toy.run("undisturbed") == (0, "")
    assert toy.files("undisturbed") == whole


def test_several_processes_give_the_bytes_of_one(toy):
    whole = undisturbed(toy)
    assert toy.run("jobs", "--jobs", "2", TOY_SECONDS="0.02") == (0, "")
    assert toy.files("jobs") == whole
    assert sorted(toy.counted()) == list(range(1, toy.points + 1))


def test_a_second_sweep_in_one_folder_is_refused_and_the_first_unharmed(toy):
    whole = undisturbed(toy)
    first = toy.start("shared", TOY_SECONDS="0.2")
    while not toy.counted():
        time.sleep(0.01)
    code, stderr = toy.run("shared")
    assert first.poll() is None
    assert code == 2
    (line,) = stderr.splitlines()
    assert line.startswith("flopbench: error: another sweep is writing to --out shared")
    assert first.communicate(timeout=60)[1] == ""
    assert first.returncode == 0
    assert toy.files("shared") == whole
    assert toy.counted() == list(range(1, toy.points + 1))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_point_that_fails_is_recorded_and_the_others_go_on(toy, jobs):
    whole = undisturbed(toy)
    code, stderr = toy.run("failing", "--jobs", jobs, TOY_FAILS="3,7")
    assert code == 1
    (line,) = stderr.splitlines()
    assert line.startswith("flopbench: warning: 2 results failed: rows=3 prefill: ")
    assert "ValueError: 3 rows are unlucky" in line
    assert "rows=7 prefill" in line
    for point in toy.report("failing")["points"]:
        found, rows = point["prefill"], point["rows"]
        assert found["analytic_eager_flops"] == 64 * rows
        if rows in {3, 7}:
            assert found["vendor_flops"] is found["vendor_tflops"] is found["difference"] is None
            assert f"{rows} rows are unlucky" in found["vendor_error"]
        else:
            assert (found["vendor_flops"], found["vendor_error"]) == (64 * rows, None)
            assert found["difference"] == 0
    assert "3 rows are unlucky" in (toy.folder / "failing" / "sweep.md").read_text()
    # The next run counts these two, and nothing else.
    toy.log.unlink()
    assert toy.run("failing", "--jobs", jobs) == (0, "")
    assert sorted(toy.counted()) == [3, 7]
    assert toy.files("failing") == whole


def test_a_difference_fails_the_sweep(toy):
    code, stderr = toy.run("wrong", TOY_WRONG="5")
    assert code == 1
    assert stderr == "flopbench: warning: 1 results failed: rows=5 prefill: differs\n"
    differences = [point["prefill"]["difference"] for point in toy.report("wrong")["points"]]
    assert differences == [0, 0, 0, 0, -2, *[0] * 7]


def test_what_cannot_be_built_fails_its_points_alone(toy):
    toy.points = 2
    code, stderr = toy.run("kinds", "--vary", "workload.kind=plain,unbuildable")
    assert code == 1
    assert "2 results failed: rows=1 kind=unbuildable prefill: " in stderr
    vendor = {p["label"]: p["prefill"]["vendor_flops"] for p in toy.report("kinds")["points"]}
    assert vendor == {
        "rows=1 kind=plain": 64,
        "rows=1 kind=unbuildable": None,
        "rows=2 kind=plain": 128,
        "rows=2 kind=unbuildable": None,
    }


def test_an_unfinished_sweep_with_other_settings_is_refused(toy):
    assert toy.run("out", TOY_FAILS="3")[0] == 1
    unfinished = toy.files("out")
    code, stderr = toy.run("out", "--vary", "workload.kind=plain,other")
    assert code == 2
    (line,) = stderr.splitlines()
    assert "holds an unfinished sweep with other settings" in line
    assert toy.files("out") == unfinished


def test_a_file_that_is_no_journal_is_refused(toy):
    (toy.folder / "out").mkdir()
    (toy.folder / "out" / ".sweep.journal").write_text("notes\n")
    code, stderr = toy.run("out")
    assert code == 2
    (line,) = stderr.splitlines()
    assert "is no journal of a sweep: delete it to begin anew" in line
    assert (toy.folder / "out" / ".sweep.journal").read_text() == "notes\n"
