"""Shared by all tests: hypothesis profiles, and the command line as a function."""

import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# pytest --hypothesis-profile=explore looks for examples that nobody has seen yet.
settings.register_profile(
    "explore", settings.get_profile("default"), max_examples=1000, derandomize=False
)
settings.load_profile("default")


@pytest.fixture
def flopbench(tmp_path):
    """Run ``flopbench ARGS…`` in an empty folder and return the finished process."""

    def run(*args, cwd=tmp_path, **environment):
        return subprocess.run(
            [sys.executable, "-m", "flopbench.cli", *map(str, args)],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def flopbench_once(tmp_path_factory):
    """Run ``flopbench ARGS… --out FOLDER`` and return the finished process and the folder."""

    def run(*args):
        out = tmp_path_factory.mktemp("out") / "new"
        command = [sys.executable, "-m", "flopbench.cli", *map(str, args), "--out", str(out)]
        return subprocess.run(command, capture_output=True, text=True, check=False), out

    return run
