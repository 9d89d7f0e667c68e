"""Killed, crowded and failing sweeps: nothing is lost, mixed up, or taken for a 0."""

import json
import random
import signal
import time

import pytest

from toy.sweep import ToySweep, said

JOURNAL, LIST = ".sweep.journal", ".sweep.files"


@pytest.fixture
def toy(tmp_path):
    return ToySweep(tmp_path)


def undisturbed(toy):
    code, stderr = toy.run("undisturbed")
    assert (code, stderr) == (0, "")
    toy.log.unlink()
    return toy.files("undisturbed")


def journaled(toy, out):
    """Return the rows whose counts are on the disk."""
    path = toy.folder / out / JOURNAL
    lines = path.read_text().splitlines(keepends=True)[1:] if path.exists() else []
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    return {int(entry["name"].rpartition("/")[2]) + 1 for entry in entries}


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(toy, jobs):
    whole = undisturbed(toy)
    assert set(whole) == {"sweep.json", "sweep.csv", "sweep.md", "sweep.html", LIST}
    moments, kills = random.Random(int(jobs)), 0  # noqa: S311 - no secret
    for _ in range(6):
        finished, started = journaled(toy, "killed"), len(toy.counted())
        process = toy.start("killed", "--jobs", jobs, TOY_SECONDS="0.1")
        # A random time after start, but not before the first of its counts, mostly.
        deadline = time.monotonic() + 120
        patience = moments.choice([0, 1, 1, 1])
        while patience and len(toy.counted()) == started and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        # Waits for its workers, too: they hold the same pipes.
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        assert not finished & set(toy.counted()[started:])
        report = toy.folder / "killed" / "sweep.json"
        assert not report.exists() or report.read_bytes() == whole["sweep.json"]
    assert kills >= 3
    finished, started = journaled(toy, "killed"), len(toy.counted())
    assert started > 0
    assert toy.run("killed", "--jobs", jobs) == (0, "")
    assert toy.files("killed") == whole
    # Nothing that was finished is counted again, and the rest is.
    assert set(toy.counted()[started:]) == set(range(1, toy.points + 1)) - finished


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
    toy.hold.touch()
    first = toy.start("shared")
    while not toy.counted():
        time.sleep(0.01)
    code, stderr = toy.run("shared")
    assert first.poll() is None
    toy.hold.unlink()
    assert code == 2
    (line,) = stderr.splitlines()
    assert line.startswith("flopbench: error: another sweep is writing to --out shared")
    assert said(first) == ""
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
    assert stderr == "flopbench: warning: 1 result failed: rows=5 prefill: differs in layer\n"
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
    assert "holds an unfinished sweep with other settings (points)" in line
    assert toy.files("out") == unfinished
    # What no count depends on may change.
    assert toy.run("out", "--attention", "eager", "--ttft", "1", "conventions.gelu=3") == (0, "")
    assert [p["prefill"]["vendor_flops"] for p in toy.report("out")["points"]][2] == 64 * 3


def test_a_file_that_is_no_journal_is_refused(toy):
    (toy.folder / "out").mkdir()
    (toy.folder / "out" / ".sweep.journal").write_text("notes\n")
    code, stderr = toy.run("out")
    assert code == 2
    (line,) = stderr.splitlines()
    assert "was written by another version of flopbench, or its first line was changed" in line
    assert (toy.folder / "out" / ".sweep.journal").read_text() == "notes\n"


def test_a_journal_that_was_changed_never_reaches_the_report(toy):
    toy.points = 4
    whole = undisturbed(toy)
    assert toy.run("out", TOY_FAILS="4")[0] == 1
    journal = toy.folder / "out" / JOURNAL
    journal.write_text(journal.read_text().replace('{"layer": 128}', '{"layer": 129}'))
    toy.log.unlink()
    code, stderr = toy.run("out")
    assert code == 0
    (line,) = stderr.splitlines()
    said = "line 3 was changed since it was written; it and the 2 lines after it are made again"
    assert said in line
    assert toy.counted() == [2, 3, 4]
    assert toy.files("out") == whole


def test_counts_of_other_code_are_not_mixed_in(toy):
    assert toy.run("out", TOY_FAILS="3")[0] == 1
    toy.change(("64 * rows", "80 * rows"))
    code, stderr = toy.run("out")
    assert code == 2
    assert "with other settings (code): " in stderr


def test_an_architecture_that_nobody_can_tell_from_another_is_refused(toy):
    toy.change(('architecture = "toy"', "architecture = object()"))
    code, stderr = toy.run("out")
    assert code == 2
    (line,) = stderr.splitlines()
    assert "a sweep cannot make a digest of its model, which holds a object" in line


def test_errors_of_two_components_that_cancel_are_a_difference(toy):
    code, stderr = toy.run("swapped", TOY_SWAPS="5")
    assert code == 1
    assert "1 result failed: rows=5 prefill: differs in layer, other" in stderr
    found = [point["prefill"] for point in toy.report("swapped")["points"]]
    assert {each["difference"] for each in found} == {0}
    assert [len(each["components_differ"]) for each in found] == [0] * 4 + [2] + [0] * 7
    assert (
        "verdict: of 12 results, 1 differ and 0 could not"
        in toy.files("swapped")["sweep.md"].decode()
    )


def test_a_process_that_dies_fails_the_point_that_kills_it_alone(toy):
    toy.points = 5
    code, stderr = toy.run("dying", "--jobs", "2", TOY_DIES="2")
    assert code == 1
    assert "1 result failed: rows=2 prefill: the process that counted it ended" in stderr
    counts = [point["prefill"]["vendor_flops"] for point in toy.report("dying")["points"]]
    assert counts == [64, None, 192, 256, 320]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_vendor_that_exits_fails_its_point(toy, jobs):
    toy.points = 3
    code, stderr = toy.run("leaving", "--jobs", jobs, TOY_LEAVES="2")
    assert code == 1
    assert "1 result failed: rows=2 prefill: " in stderr
    counts = [point["prefill"]["vendor_flops"] for point in toy.report("leaving")["points"]]
    assert counts == [64, None, 192]


def test_nothing_is_left_of_locks_and_killed_writers(toy):
    whole = undisturbed(toy)
    left = toy.folder / "again"
    left.mkdir()
    (left / ".sweep.lock").touch()
    (left / ".sweep.json.a1b2c3_z").write_text("{")
    (left / ".sweep.json.of-mine").write_text("kept")
    assert toy.run("again") == (0, "")
    assert toy.files("again") == {**whole, ".sweep.json.of-mine": b"kept"}


def test_a_folder_holds_the_files_of_the_last_sweep_and_those_of_others(toy):
    toy.points = 2
    whole = undisturbed(toy)
    assert toy.run("out", "--plots", "--ttft", "1")[0] == 0
    plots = {name for name in toy.files("out") if name.endswith((".svg", ".png"))}
    assert {"prefill_flops.svg", "required_ttft_tflops_per_s.png"} <= plots
    folder = toy.folder / "out"
    (folder / "notes.png").write_text("mine")
    (folder / "prefill_flops.svg").write_text("mine, too")
    assert toy.run("out")[0] == 0
    mine = {"notes.png": b"mine", "prefill_flops.svg": b"mine, too"}
    assert toy.files("out") == {**whole, **mine}


def test_a_sweep_that_cannot_begin_leaves_no_folder(toy):
    toy.change(("yield Linear(", "raise ValueError("))
    assert toy.run("deep/new")[0] == 2
    assert not (toy.folder / "deep").exists()


def test_what_a_vendor_refuses_at_one_point_is_that_points(toy):
    toy.points = 3
    refuses = """from flopbench.errors import DimError

        if workload.rows == 2:
            raise DimError("2 is no size")
        if workload.kind == "unbuildable":"""
    toy.change(('if workload.kind == "unbuildable":', refuses))
    code, stderr = toy.run("refusing")
    assert code == 1
    assert "1 result failed: rows=2 prefill: 2 is no size" in stderr
    counts = [point["prefill"]["vendor_flops"] for point in toy.report("refusing")["points"]]
    assert counts == [64, None, 192]


def test_a_counter_gets_the_variant_that_it_asks_for(toy):
    toy.points = 2
    variant = """        return module

    def variant(self, name):
        return Executed() if name == "executed" else self


class Executed(ToyVendor):
    attention = "sdpa"

    def stage(self, name, workload):
        return VendorStage(lambda step: VendorCall(None, lambda: 1000 * workload.rows))


def is_among("""
    wants = ('name = "slow"', 'name = "slow"\n    variant = "executed"')
    toy.change(wants, ("        return module\n\n\ndef is_among(", variant))
    code, stderr = toy.run("variant")
    assert code == 1
    assert "rows=1 prefill: differs in layer" in stderr
    report = toy.report("variant")
    assert report["vendor_attention"] == "sdpa"
    assert [p["prefill"]["vendor_flops"] for p in report["points"]] == [64_000, 128_000]


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interrupted_sweep_says_how_it_goes_on(toy):
    whole = undisturbed(toy)
    toy.hold.touch()
    process = toy.start("out")
    while not toy.counted():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=300)
    toy.hold.unlink()
    assert process.returncode == 130
    assert "interrupted: run the same command again to resume from out" in stderr
    assert toy.run("out") == (0, "")
    assert toy.files("out") == whole
