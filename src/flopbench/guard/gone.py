"""Which entries belong to tests that are no more, as far as a run can know."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest


def gone_from_module(
    item: pytest.Item, tests: Collection[str], collected: Collection[str]
) -> Iterator[str]:
    """Yield the tests of an item's file that it no longer has.

    A test is gone if its class or function is; and with all cases of a function collected, a case
    that is not among them.

    Args:
        tests: node ids to look at.
        collected: node ids of all items that were collected, those deselected later too.
    """
    module = item.getparent(pytest.Module)
    # Some plugins name tests otherwise than by what a module has: of these, nothing is known.
    if module is None or not _has(module.obj, _function(item.nodeid)):
        return
    config = item.config
    # With these, some cases are not collected although they are there.
    partly = any("[" in arg for arg in config.args) or config.getoption("lf", default=False)
    functions = {_function(test) for test in collected}
    for test in tests:
        function = _function(test)
        if function.partition("::")[0] != module.nodeid or test in collected:
            continue
        known_cases = not partly and function in functions
        if known_cases or not _has(module.obj, function):
            yield test


def gone_with_file(tests: Collection[str], root: Path) -> Iterator[str]:
    """Yield the tests whose file is no more."""
    exists: dict[str, bool] = {}
    for test in tests:
        file = test.partition("::")[0]
        if file not in exists:
            exists[file] = (root / file).exists()
        if not exists[file]:
            yield test


def _function(test: str) -> str:
    """Return a node id without its case."""
    return test.partition("[")[0]


def _has(thing: object, function: str) -> bool:
    """Return whether a module has what a node id names."""
    for name in function.split("::")[1:]:
        if not hasattr(thing, name):
            return False
        thing = getattr(thing, name)
    return True
