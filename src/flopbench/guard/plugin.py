"""The plugin of pytest: the fixture ``flops``, ``--flops-update`` and ``--flops-lock``.

pytest loads it for every project, so it loads nothing heavy before a test asks for the fixture.
What a test checked travels in its last report, which xdist brings from a worker to the one
process that writes.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flopbench.errors import UsageError
from flopbench.guard.results import FIELD, Results

if TYPE_CHECKING:
    from flopbench.guard.guard import Guard
    from flopbench.guard.lock import Lock

_FILE = "flops.lock.json"


class _State:
    """What the hooks of one process share."""

    def __init__(self, path: Path, *, update: bool) -> None:
        self.path = path
        self.update = update
        self.collected: set[str] = set()

    @cached_property
    def lock(self) -> Lock:
        """The lock file, as it was when it was first asked for."""
        from flopbench.guard.lock import Lock

        return Lock.read(self.path)

    @cached_property
    def known(self) -> frozenset[str]:
        """The tests that the lock file has entries of."""
        try:
            return frozenset(self.lock.checks) if self.path.exists() else frozenset()
        except UsageError:  # each check says so
            return frozenset()


_STATE = pytest.StashKey[_State]()
_TEST = pytest.StashKey[str]()
_GUARD = pytest.StashKey["Guard"]()
_PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("flopbench", "FLOPs held against a lock file")
    group.addoption(
        "--flops-update",
        action="store_true",
        help="Write what flops.check counts to the lock file, in place of comparing it.",
    )
    group.addoption("--flops-lock", metavar="FILE", help=f"The lock file, in place of {_FILE}.")
    parser.addini(
        "flops_lock", f"The lock file, from the root folder on; {_FILE} by default.", default=_FILE
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the lock file; before an update, read it.

    Raises:
        pytest.UsageError: it is damaged.
    """
    worker = getattr(config, "workerinput", None)
    path = _path(config) if worker is None else Path(worker["flops_lock"])
    update = config.getoption("flops_update")
    state = config.stash[_STATE] = _State(path, update=update)
    if worker is not None:
        return
    config.pluginmanager.register(Results(path, config.rootpath, update=update), "flopbench-lock")
    if update:
        try:
            state.lock  # noqa: B018 - reads it
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error


def _path(config: pytest.Config) -> Path:
    given = config.getoption("flops_lock")
    if given is not None:
        return Path(config.invocation_params.dir, given)
    return Path(config.rootpath, config.getini("flops_lock"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where the lock file is."""
    node.workerinput["flops_lock"] = str(node.config.stash[_STATE].path)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep the node id, which xdist may change."""
    item.stash[_TEST] = item.nodeid
    item.config.stash[_STATE].collected.add(item.nodeid)


def _test(item: pytest.Item) -> str:
    """Return the node id; of an item that another plugin made, the one that it has now."""
    return item.stash.get(_TEST, item.nodeid)


@pytest.fixture
def flops(request: pytest.FixtureRequest) -> Guard:
    """Hold the FLOPs of modules against the lock file: ``flops.check(module, x)``."""
    from flopbench.guard.guard import Guard

    state, item = request.config.stash[_STATE], request.node
    guard = Guard(_test(item), lambda: state.lock, update=state.update)
    item.stash[_GUARD] = guard
    return guard


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put into a test's last report what it checked."""
    report = yield
    if report.when == "setup":
        item.stash[_PASSED] = False
    elif report.when == "call":
        item.stash[_PASSED] = report.passed
    elif report.when == "teardown":
        found = _checked(item)
        if found is not None:
            vars(report)[FIELD] = found
    return report


def _checked(item: pytest.Item) -> dict[str, Any] | None:
    """Return what a test checked; None if it has nothing to do with the lock file."""
    state, test = item.config.stash[_STATE], _test(item)
    guard = item.stash.get(_GUARD, None)
    gone: list[str] = []
    if state.update and state.known:
        from flopbench.guard.gone import gone_from_module

        gone = list(gone_from_module(item, state.known, state.collected))
    if guard is None and test not in state.known and not gone:
        return None
    made = guard.made if guard is not None else {}
    return {
        "test": test,
        "passed": item.stash.get(_PASSED, False),
        "checks": {name: entry.to_dict() for name, entry in made.items()},
        "gone": gone,
    }
