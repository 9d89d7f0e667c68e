"""Sweeps that a Dask cluster counts: the same bytes, whatever dies."""

import signal
import time

import pytest

import flopbench
from flopbench.commands.sweep.plan import plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.commands.sweep.units import units
from flopbench.errors import UsageError
from flopbench.inputs.options import settings
from flopbench.plan.elsewhere import identity, require_same
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from support.clusters import Cluster, kill
from toy import write_toy
from toy.sweep import ToySweep


@pytest.fixture
def toy(tmp_path):
    return ToySweep(tmp_path)


def cluster_of(toy, workers=2, **environment):
    """Return a cluster whose workers count as the toy's environment says."""
    return Cluster(toy.folder / "cluster", workers, TOY_LOG=str(toy.log), **environment)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What processes of this machine give, undisturbed."""
    toy = ToySweep(tmp_path_factory.mktemp("whole"))
    assert toy.run("whole", "--jobs", "2") == (0, "")
    return toy.files("whole")


def wait_for(toy, counts, process):
    deadline = time.monotonic() + 60
    while len(toy.counted()) < counts:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)


def test_workers_give_what_this_process_gives(tmp_path, monkeypatch, cluster):
    write_toy(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))

    def sweep(**options):
        vary = {"workload.rows": [1, 2, 3], "workload.kind": ["plain", "other", "unbuildable"]}
        return flopbench.sweep("toy", vary=vary, counters="slow", plugins="toy.py", **options)

    here = sweep()
    assert (tmp_path / "log").read_text().split() == [*"112233"]
    assert sweep(scheduler=cluster.address) == here
    assert len((tmp_path / "log").read_text().split()) == 6


@pytest.mark.slow
def test_a_worker_killed_midway_changes_no_byte(toy, whole):
    with cluster_of(toy, TOY_SECONDS="0.2") as cluster:
        process = toy.start("killed", "--scheduler", cluster.address)
        wait_for(toy, 3, process)
        kill(cluster.workers[0])
        assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0
    assert toy.files("killed") == whole
    assert {*toy.counted()} == {*range(1, toy.points + 1)}


@pytest.mark.slow
def test_a_scheduler_killed_midway_is_a_sentence_and_the_rest_is_resumed(toy, whole):
    with cluster_of(toy, 1, TOY_SECONDS="0.2") as cluster:
        process = toy.start("lost", "--scheduler", cluster.address)
        wait_for(toy, 5, process)
        cluster.kill_scheduler()
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 2
    assert stderr.splitlines() == [
        "flopbench: warning: interrupted: run the same command again to resume from lost",
        f"flopbench: error: the Dask scheduler at {cluster.address} answers no more",
    ]
    toy.log.unlink()
    assert toy.run("lost") == (0, "")
    assert 0 < len(toy.counted()) < toy.points
    assert toy.files("lost") == whole


@pytest.mark.slow
def test_what_kills_workers_again_and_again_is_a_failed_count_as_it_is_locally(toy):
    toy.points = 5
    assert toy.run("locally", "--jobs", "2", TOY_DIES="2")[0] == 1
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with cluster_of(toy, 3, TOY_DIES="2", **once) as cluster:
        code, stderr = toy.run("dying", "--scheduler", cluster.address)
    assert code == 1
    assert "1 result failed: rows=2 prefill: the process that counted it ended" in stderr
    assert toy.report("dying") == toy.report("locally")


@pytest.mark.slow
@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interruption_cancels_what_was_submitted(toy, whole):
    with cluster_of(toy, 1, TOY_SECONDS="0.5") as cluster:
        process = toy.start("out", "--scheduler", cluster.address)
        wait_for(toy, 2, process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130
        assert stderr.splitlines() == [
            "flopbench: warning: interrupted: run the same command again to resume from out"
        ]
        time.sleep(1)
        counted = toy.counted()
        time.sleep(1)
        assert toy.counted() == counted
        assert len(counted) < toy.points
        # The cluster is as it was.
        assert toy.run("out", "--scheduler", cluster.address) == (0, "")
    assert toy.files("out") == whole


def test_where_no_scheduler_is_it_says_so_within_ten_seconds(toy):
    began = time.monotonic()
    code, stderr = toy.run("out", "--scheduler", "tcp://127.0.0.1:1")
    assert time.monotonic() - began < 10
    assert code == 2
    assert stderr == (
        "flopbench: error: no Dask scheduler answers at tcp://127.0.0.1:1: `dask scheduler` "
        "starts one, and says its address\n"
    )
    assert not (toy.folder / "out").exists()


def units_of(folder, *overrides, plugin="toy.py"):
    request = SweepRequest(
        model="toy",
        vary=("workload.rows=1,2",),
        plugins=(str(folder / plugin),),
        overrides=overrides,
        options=settings(counters="slow"),
    )
    plan = plan_sweep(build_catalog(load_plugins(request.plugins)), request)
    return [
        identity(plan.plans[unit.points[0]], unit.stage, plan.workloads[unit.points[0]])
        for unit in units(plan)
    ]


def test_another_file_or_other_code_on_a_worker_is_not_mixed_in(tmp_path):
    write_toy(tmp_path)
    one, two = units_of(tmp_path)
    assert units_of(tmp_path) == [one, two]
    require_same(one, one, "prefill of rows=1")
    other, _ = units_of(tmp_path, "workload.kind=other")
    with pytest.raises(UsageError, match=r"^workload of prefill of rows=1 differ from those"):
        require_same(one, other, "prefill of rows=1")
    folder = tmp_path / "other"
    folder.mkdir()
    write_toy(folder, ("64 * rows", "80 * rows"), ('architecture = "toy"', 'architecture = "t"'))
    changed, _ = units_of(folder)
    with pytest.raises(UsageError, match=r"^model and code of rows=1 differ from those"):
        require_same(one, changed, "rows=1")
