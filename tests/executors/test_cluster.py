"""A Dask cluster: what dies, what does not answer, and what is not as here."""

import logging
import socket
import sys
import time

import pytest

from flopbench.errors import UsageError
from flopbench.executors import SchedulerLostError, WorkerLostError, client, connection, executor_of
from support.clusters import Cluster, kill
from support.tasks import die, here, pid, square, square_and_log, usage_error


def results(executor):
    return [task.result() for task in executor.as_completed()]


def test_workers_run_it_side_by_side_in_the_folder_of_this_process(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with executor_of(cluster.address) as executor:
        for _ in range(40):
            executor.submit(pid)
        assert {*results(executor)} == {worker.pid for worker in cluster.workers}
        executor.submit(here)
        assert results(executor) == [str(tmp_path)]
        monkeypatch.chdir("/")
        executor.submit(here)
        assert results(executor) == ["/"]


def test_a_worker_that_is_killed_loses_nothing(tmp_path):
    with Cluster(tmp_path / "cluster") as cluster, executor_of(cluster.address) as executor:
        log = tmp_path / "log"
        tasks = {executor.submit(square_and_log, str(log), n, 0.05): n for n in range(30)}
        found = {}
        for task in executor.as_completed():
            found[tasks[task]] = task.result()
            if len(found) == 5:
                kill(cluster.workers[0])
    assert found == {n: n * n for n in range(30)}
    # What it was at, and nothing that was done, is run again.
    assert 30 <= len(log.read_text().split()) <= 32


@pytest.mark.slow
def test_a_task_that_kills_each_worker_is_lost_alone(tmp_path):
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with Cluster(tmp_path, 5, **once) as cluster, executor_of(cluster.address) as executor:
        tasks = {executor.submit(die if n in (0, 6) else square, n): n for n in range(12)}
        lost, found = set(), {}
        for task in executor.as_completed():
            try:
                found[tasks[task]] = task.result()
            except WorkerLostError:
                lost.add(tasks[task])
    assert lost == {0, 6}
    assert found == {n: n * n for n in range(12) if n not in lost}


def test_a_scheduler_that_is_killed_is_one_sentence(tmp_path):
    def run():
        with Cluster(tmp_path, 1) as cluster, executor_of(cluster.address) as executor:
            for number in range(20):
                executor.submit(square, number)
            for task in executor.as_completed():
                found.append(task.result())
                if len(found) == 3:
                    cluster.kill_scheduler()

    found = []
    with pytest.raises(SchedulerLostError, match=r"the Dask scheduler at tcp://127.0.0.1:\d+ ans"):
        run()
    assert 3 <= len(found) < 20


def test_a_dead_address_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(UsageError, match=f"no Dask scheduler answers at tcp://127.0.0.1:{port}: `"):
        executor_of(f"tcp://127.0.0.1:{port}")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:99999", "tcp://[::1]:1", "tls://127.0.0.1:1"])
def test_nor_does_one_that_cannot_be(address):
    with pytest.raises(UsageError, match="no Dask scheduler answers at "):
        executor_of(address)


def test_what_says_nothing_is_no_scheduler(monkeypatch):
    monkeypatch.setattr(client, "ANSWER_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"no Dask scheduler answers at {address}: "):
            executor_of(address)


def test_a_cluster_without_workers_is_waited_for_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(connection, "WORKERS_S", 1.5)
    with Cluster(tmp_path, 0) as cluster:
        with pytest.raises(SchedulerLostError, match="no worker is connected to tcp://127"):
            executor_of(cluster.address)
        (message,) = caplog.messages
        assert "no worker is connected to tcp://127.0.0.1:" in message
        assert f"waiting 2 s for one (`dask worker {cluster.address}` starts one)" in message
        monkeypatch.setattr(connection, "WORKERS_S", 60)
        monkeypatch.setattr(connection, "WORKERS_AGAIN_S", 0.5)
        cluster.add_worker()
        with executor_of(cluster.address) as executor:
            executor.submit(square, 5)
            assert results(executor) == [25]
            # Those that end are waited for, too.
            kill(cluster.workers[0])
            executor.submit(square, 5)
            with pytest.raises(SchedulerLostError, match="no worker is connected to tcp://127"):
                results(executor)


OTHERS = {
    "flopbench": ("0.0.1", "flopbench is 0.1.0, here it is 0.0.1"),
    "torch": ("1.0+cu1", r"torch is 2[^ ]+, here it is 1.0\+cu1"),
    "Python": ("3.1.4", r"Python is 3[^ ]+, here it is 3.1.4"),
    "mine": ("5", "mine is not installed, here it is 5"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_versions_are_one_sentence(cluster, monkeypatch, name):
    version, said = OTHERS[name]
    here = connection.versions_here()
    monkeypatch.setattr(connection, "versions_here", lambda: here | {name: version})
    with pytest.raises(
        UsageError, match=rf"worker tcp://127.0.0.1:\d+: {said}: install the same versions$"
    ):
        executor_of(cluster.address)


def test_other_builds_and_patches_of_one_version_are_not_other_versions(cluster, monkeypatch):
    here = connection.versions_here()
    torch, python = here["torch"].partition("+")[0], here["Python"].rpartition(".")[0]
    other = {"torch": f"{torch}+cu999", "Python": f"{python}.999"}
    monkeypatch.setattr(connection, "versions_here", lambda: here | other)
    with executor_of(cluster.address) as executor:
        executor.submit(square, 3)
        assert results(executor) == [9]


HIDING = """
import importlib.metadata, sys

found = importlib.metadata.Distribution.from_name

def hiding(name):
    if name == "transformers":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

importlib.metadata.Distribution.from_name = hiding
sys.modules["transformers"] = None
"""


def test_a_worker_without_transformers_is_named_whenever_it_comes(tmp_path):
    """The module that Python imports when it starts hides the package."""
    (tmp_path / "sitecustomize.py").write_text(HIDING)
    said = (
        r"^worker tcp://127.0.0.1:\d+: transformers is not installed, here it is 5[0-9.]+: "
        "install the same versions$"
    )
    with Cluster(tmp_path / "cluster", 1) as cluster:
        with executor_of(cluster.address) as executor:
            kill(cluster.workers[0])
            cluster.add_worker(path=[tmp_path])
            task = executor.submit(square, 2)
            assert [*executor.as_completed()] == [task]
            with pytest.raises(UsageError, match=said):
                task.result()
        with pytest.raises(UsageError, match=said):
            executor_of(cluster.address)


def test_an_error_names_the_worker_and_what_a_file_needs(cluster):
    with executor_of(cluster.address) as executor:
        task = executor.submit(usage_error, "/nowhere/config.json")
        assert [*executor.as_completed()] == [task]
    with pytest.raises(
        UsageError, match=r"^worker tcp://127.0.0.1:\d+: cannot read it \(a worker "
    ):
        task.result()


def test_nothing_is_said_by_dask(cluster, caplog, capfd, recwarn):
    levels = {name: logging.getLogger(name).disabled for name in logging.root.manager.loggerDict}
    with executor_of(cluster.address) as executor:
        executor.submit(square, 2)
        next(executor.as_completed())
    after = {name: logging.getLogger(name).disabled for name in levels}
    assert (caplog.messages, capfd.readouterr(), [*recwarn]) == ([], ("", ""), [])
    assert after == levels


def test_without_distributed_it_says_what_to_install(cluster, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"needs distributed: pip install 'flopbench\[dask\]'"):
        executor_of(cluster.address)


def test_threads_that_do_nothing_are_said_once(tmp_path, caplog):
    with Cluster(tmp_path, 0) as cluster:
        cluster.add_worker("--nthreads", "3")
        with executor_of(cluster.address) as executor:
            for number in range(5):
                executor.submit(square, number)
            assert sorted(results(executor)) == [0, 1, 4, 9, 16]
    said = [message for message in caplog.messages if "threads" in message]
    assert len(said) == 1
    assert "has 3 threads and uses one: `dask worker tcp://127.0.0.1:" in said[0]


def test_jobs_are_not_a_clusters(cluster):
    with pytest.raises(UsageError, match="--jobs 2 is for processes of this machine"):
        executor_of(cluster.address, 2)
