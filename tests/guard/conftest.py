"""pytest within pytest, with the guard."""

import pytest
from doc_output import GUARD


@pytest.fixture
def project(pytester):
    """Return a folder of tests with the guard, and without torch in what it counts.

    A call of it runs pytest; ``cost`` writes a test that checks counts by component.
    """
    pytester.makeini("[pytest]\nxfail_strict = true\n")
    return Project(pytester)


class Project:
    """A folder of tests."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.lock = pytester.path / "flops.lock.json"

    def __call__(self, *options, process=False):
        """Run pytest; a process of its own is slow, and needed where torch must not be loaded."""
        options = (*GUARD, "-p", "no:cacheprovider", *options)
        if process:
            return self.pytester.runpytest_subprocess(*options)
        return self.pytester.runpytest_inprocess(*options)

    def passes(self, *options, tests=1, **how):
        """Run pytest; all tests must pass."""
        done = self(*options, **how)
        done.assert_outcomes(passed=tests)
        assert done.ret == 0
        return done

    def fails(self, *options, tests=1, **how):
        """Run pytest; one test must fail, others pass; return what it says."""
        done = self(*options, **how)
        done.assert_outcomes(failed=1, passed=tests - 1)
        assert done.ret == 1
        return done.stdout.str()

    def write(self, source, file="test_cost.py"):
        """Write a file of tests."""
        (self.pytester.path / file).write_text(HEAD + source, encoding="utf-8")

    def checks(self, **components):
        """Write a test that checks one count, with FLOPs by component."""
        self.write(f"def test_it(flops):\n    flops.check(made(**{components!r}))\n")


HEAD = """
import pytest
from flopbench.modules.counted import ModuleCount, Unseen, Work

def made(uncounted=(), parameters=7, peak=None, **components):
    return ModuleCount(
        name="Net",
        work=tuple(Work(name, "aten.mm", "forward", n) for name, n in components.items()),
        uncounted=tuple(Unseen(*each) for each in uncounted),
        parameters=parameters,
        peak_activation_bytes=peak,
    )

"""
