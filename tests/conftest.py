"""Shared by all tests: hypothesis profiles, and the command line as a function."""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.browser import chromium, shown  # noqa: F401 - fixtures
from support.cli import python_path
from support.offline import sitecustomize  # noqa: F401 - this process has no network, either
from support.warm import Warm

# Nor has any that a test starts.
OFFLINE = Path(__file__).with_name("support") / "offline"
os.environ["PYTHONPATH"] = python_path(OFFLINE)

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


@pytest.fixture(scope="session")
def warm():
    """Run Python programs in processes that have torch and transformers from the start."""
    run = Warm()
    yield run
    run.close()


@pytest.fixture
def flopbench(tmp_path, warm):
    """Run ``flopbench ARGS…`` in an empty folder and return the finished process.

    What is set of the environment is added to it, and a PYTHONPATH to that which is there.
    """

    def run(*args, cwd=tmp_path, **environment):
        if "PYTHONPATH" in environment:
            environment["PYTHONPATH"] = python_path(environment["PYTHONPATH"])
        command = [sys.executable, "-m", "flopbench.cli", *args]
        return warm(command, cwd=cwd, env={**os.environ, **environment})

    return run


@pytest.fixture
def heeds_interrupts():
    """Let child processes take SIGINT, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def flopbench_once(tmp_path_factory, warm):
    """Run ``flopbench ARGS… --out FOLDER`` and return the finished process and the folder.

    The same arguments are run once for all tests, whichever worker they are in.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def run(*args):
        command = [sys.executable, "-m", "flopbench.cli", *map(str, args)]
        folder = shared / "once" / hashlib.sha256(json.dumps(command).encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        out, done = folder / "new", folder / "done.json"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                command += ["--out", str(out)]
                found = warm(command)
                done.write_text(json.dumps([found.returncode, found.stdout, found.stderr]))
        return subprocess.CompletedProcess(command, *json.loads(done.read_text())), out

    return run


SLOW = (
    *("TestDeepseekOcr2::test_proof", "TestUnlimitedOcr::test_proof", "TestInternVl::test_proof"),
    *("TestInternVl::test_closed_forms_need_no_torch", "TestDeepseekOcr::test_proof"),
    "TestFlashExecuted::test_symbols_equal_ints",
    *(
        f"test_what_is_wrong_fails_in_the_check_meant_for_it[models-{name}]"
        for name in (
            *("batch_nonlinear", "branches_on_size", "changes_the_workload", "float_flops"),
            *("forgetful", "forgets_a_size", "fused", "loads_torch", "mapped_wrong", "misnamed"),
            *("negative", "no_component", "no_such_axis", "no_such_stage", "shapeless", "shrinks"),
            *("stateful", "unmapped", "weighty", "wrong_in_arrays", "wrong_in_symbols"),
        )
    ),
    *(
        f"is_told_apart_before_anything_is_counted[{name}]"
        for name in ("a_config_of_its_own", "a_forward_of_its_own", "another_class")
    ),
    *(f"the_published_series_is_met_to_the_last_flop[{grid}]" for grid in ("1x9", "2x2", "1x3")),
    *(f"test_every_mode[1-CropGrid(rows={r}, cols={c})]" for r, c in ((1, 2), (3, 2), (2, 4))),
    "test_every_command_that_takes_a_model_takes_a_path[prove]",
    "test_killed_at_any_moment_it_resumes_to_the_same_bytes[2]",
    "test_a_point_that_fails_is_recorded_and_the_others_go_on[2]",
    "test_a_vendor_that_exits_fails_its_point[2]",
    "test_a_sweep_of_models_resumes_only_with_the_same_models[2]",
    "test_a_crashed_worker_keeps_the_entries_of_its_test",
    "test_llama_3_8b_has_the_published_figures[adapters, full]",
    "test_by_default_it_is_proved_and_its_laws_are_those_of_any_check",
    "test_equal_layers_give_the_law_of_every_layer[decode]",
    "test_sweep[varied]",
    *(f"passes_its_test[tutorial-{name}]" for name in ("counter", "model")),
)
"""Ends of names of cases that take long, in tests whose other cases do not."""


def pytest_collection_modifyitems(items):
    for item in items:
        name = item.nodeid.partition("::")[2]
        if name.endswith(SLOW) or name.partition("[")[0].endswith(SLOW):
            item.add_marker(pytest.mark.slow)
