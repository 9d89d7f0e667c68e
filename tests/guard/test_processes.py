"""The guard under xdist, without torch, and as pytest finds it by its entry point."""

import sys
import tomllib
from pathlib import Path

import pytest
from doc_output import GUARD

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.slow
def test_workers_write_what_one_process_would(project):
    tests = "".join(f"def test_{n}(flops):\n    flops.check(made(a={n}))\n" for n in range(6))
    grouped = "@pytest.mark.xdist_group('g')\ndef test_g(flops):\n    flops.check(made(a=9))\n"
    project.write(tests + grouped)
    project.write(tests, "test_more.py")
    project.passes("--flops-update", tests=13)
    alone = project.lock.read_bytes()
    project.lock.unlink()
    workers = ("-n", "2", "--dist", "loadgroup")
    done = project.passes("--flops-update", *workers, tests=13, process=True)
    assert "flops.lock.json: 13 added, 0 changed, 0 removed, 0 as before" in done.outlines
    assert project.lock.read_bytes() == alone
    # Fewer tests, another number; what one worker does not run is not lost.
    project.write(tests.replace("a=5", "a=50").replace("test_0", "test_zero"))
    done = project.passes("--flops-update", *workers, "test_cost.py", tests=6, process=True)
    assert "flops.lock.json: 1 added, 1 changed, 2 removed, 10 as before" in done.outlines
    project.write(tests.replace("a=5", "a=51").replace("test_0", "test_zero"))
    said = project.fails("-n2", "test_cost.py", tests=6, process=True)
    assert "50 -> 51 FLOPs (+2.0 %), not as in flops.lock.json: test_cost.py::test_5" in said


def test_a_crashed_worker_keeps_the_entries_of_its_test(project):
    test = "def test_it(flops):\n    flops.check(made(a=1))\n    {}\n"
    project.write(test.format("pass") + "def test_2(flops):\n    flops.check(made(a=2))\n")
    project.passes("--flops-update", tests=2)
    written = project.lock.read_bytes()
    crash = test.format("import os; os._exit(1)")
    project.write(crash + "def test_2(flops):\n    flops.check(made(a=3))\n")
    project("--flops-update", "-n", "1", process=True)
    assert project.lock.read_bytes() == written.replace(b": 2,", b": 3,").replace(
        b": 2\n", b": 3\n"
    )


def test_nothing_heavy_loads_before_a_test_asks_for_the_guard(project):
    heavy = {"attrs", "numpy", "sympy", "torch", "flopbench.values", "flopbench.guard.guard"}
    loaded = f"{heavy!r} & {{*sys.modules}}"
    (project.pytester.path / "test_cost.py").write_text(
        f"import sys\nEARLY = {loaded}\n"
        f"def test_it():\n    assert not {loaded}\n    assert not EARLY\n"
    )
    project.passes(process=True)


def test_without_torch_a_check_is_one_sentence(project):
    project.pytester.makeconftest("import sys\nsys.modules['torch'] = None\n")
    (project.pytester.path / "test_cost.py").write_text(
        "def test_it(flops):\n    flops.check(len, [])\n"
    )
    said = project.fails(process=True)
    assert "counting modules needs torch: pip install 'flopbench[torch]'" in said
    assert "modules/__init__.py" not in said


def installed(folder):
    """Make a folder that, on the path, is as an installed flopbench with its entry points."""
    points = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]["pytest11"]
    info = folder / "flopbench_guard-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flopbench-guard\nVersion: 0\n")
    lines = (f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{''.join(lines)}")
    assert points == {"flopbench": "flopbench.guard.plugin"}
    return folder


@pytest.fixture
def pytest_alone(pytester, monkeypatch, tmp_path_factory):
    """Run pytest where flopbench is installed, with no plugin named."""
    if GUARD:
        monkeypatch.syspath_prepend(installed(tmp_path_factory.mktemp("site")))
        monkeypatch.setenv("PYTHONPATH", ":".join(filter(None, sys.path)))
    return lambda *options: pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_pytest_finds_the_plugin_by_its_entry_point(pytester, pytest_alone):
    pytester.makepyfile("def test_it(flops):\n    assert flops.made == {}")
    pytest_alone().assert_outcomes(passed=1)


def test_the_plugin_can_be_blocked(pytester, pytest_alone):
    pytester.makepyfile("def test_it(flops):\n    pass")
    done = pytest_alone("-p", "no:flopbench")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*fixture 'flops' not found*"])
