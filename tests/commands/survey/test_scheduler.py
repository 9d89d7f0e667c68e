"""Surveys on a Dask cluster: the same bytes, whatever dies, and from configs that are sent."""

import time

import pytest

from support.clusters import Cluster, kill
from toy.survey import ToySurvey

pytestmark = pytest.mark.slow


@pytest.fixture
def toy(tmp_path):
    return ToySurvey(tmp_path, points=8)


def cluster_of(toy, workers):
    environment = {"TOY_LOG": str(toy.log), "TOY_SECONDS": "0.3"}
    return Cluster(toy.folder / "cluster", workers, **environment)


def wait_for(toy, counts, process):
    deadline = time.monotonic() + 120
    while len(toy.counted()) < counts:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)


def test_a_killed_worker_or_scheduler_changes_no_byte_and_files_are_sent(toy):
    assert toy.run("whole", "--jobs", "2") == (0, "")
    whole = toy.files("whole")
    toy.log.unlink()
    with cluster_of(toy, 2) as cluster:
        process = toy.start("killed", "--scheduler", cluster.address)
        wait_for(toy, 2, process)
        (toy.folder / "configs").rename(toy.folder / "moved")
        kill(cluster.workers[0])
        process.communicate(timeout=120)
        assert process.returncode == 0
        assert toy.files("killed") == whole
        assert {*toy.counted()} == {*range(1, 9)}
        (toy.folder / "moved").rename(toy.folder / "configs")
        toy.log.unlink()
        process = toy.start("lost", "--scheduler", cluster.address)
        wait_for(toy, 4, process)
        cluster.kill_scheduler()
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert [line for line in stderr.splitlines() if " rows done, " not in line] == [
        "flopbench: warning: interrupted: run the same command again to resume from lost",
        f"flopbench: error: the Dask scheduler at {cluster.address} answers no more",
    ]
    toy.log.unlink()
    assert toy.run("lost") == (0, "")
    assert 0 < len(toy.counted()) < 8
    assert toy.files("lost") == whole
