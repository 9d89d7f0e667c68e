"""A Dask cluster of processes on this machine, as two commands start it."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from support.cli import python_path

TESTS = Path(__file__).parents[1]


class Cluster:
    """``dask scheduler`` and some ``dask worker``; a context manager, which ends them.

    Attributes:
        address: of the scheduler.
    """

    def __init__(self, folder, workers=2, **environment):
        self._folder, self._count, self._environment = folder, workers, environment
        self._scheduler, self.workers, self.address = None, [], None

    def __enter__(self):
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "scheduler.json"
        options = ("--port", "0", "--no-dashboard", "--no-jupyter", "--scheduler-file", file)
        self._scheduler = self._start("scheduler", *options, log="scheduler")
        deadline = time.monotonic() + 60
        while self.address is None:
            assert time.monotonic() < deadline
            assert self._scheduler.poll() is None, self.log("scheduler")
            with suppress(OSError, ValueError):
                self.address = json.loads(file.read_text())["address"]
            time.sleep(0.05)
        for _ in range(self._count):
            self.add_worker()
        return self

    def add_worker(self, *options, **environment):
        """Start another worker, which nobody starts again when it ends."""
        name = f"worker-{len(self.workers)}"
        usual = ("--name", name, "--nthreads", "1", "--no-nanny", "--local-directory", self._folder)
        arguments = (self.address, *usual, *options)
        self.workers.append(self._start("worker", *arguments, log=name, **environment))
        return self.workers[-1]

    def _start(self, command, *options, log, **environment):
        here = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
        given = {**self._environment, **environment}
        path = python_path(*given.pop("path", ()), TESTS)
        config = {"DASK_CONFIG": str(self._folder / "config"), "PYTHONPATH": path}
        with (self._folder / f"{log}.log").open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", command, *map(str, options), *here],
                cwd=self._folder,
                env={**os.environ, **config, **given},
                stdout=stream,
                stderr=stream,
            )

    def log(self, name):
        return (self._folder / f"{name}.log").read_text()

    def kill_scheduler(self):
        kill(self._scheduler)

    def __exit__(self, *_):
        for process in (*self.workers, self._scheduler):
            kill(process)


def kill(process):
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Two workers for all tests of a folder, whose ``conftest.py`` imports this; none may die."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, TOY_LOG=str(folder / "log")) as made:
        yield made
