"""What the conformance suites share: checks that cannot be weakened, and declared deviations.

A suite is a class of checks, methods called ``test_…`` that pytest runs. An author subclasses it
and names the plugin. Overriding, skipping or marking a check is refused. A known deviation is
declared with its reason and becomes an expected failure, which fails as soon as it is no longer
true.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from flopbench.errors import FlopbenchError, UsageError, unknown
from flopbench.registry.catalog import Catalog, build_catalog
from flopbench.registry.loading import load_plugins

_PREFIX = "test_"
_NO_MARKS = ("pytestmark", "__test__")
_NO_HOOKS = (
    "__init__",
    "__new__",
    "setup_class",
    "setup_method",
    "teardown_class",
    "teardown_method",
)
"""With these, pytest collects nothing from a class, or runs code that may skip its tests."""


def check(cases: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a method a check of a suite.

    Args:
        cases: the class method that lists the values of its argument ``case``.
    """

    def make(test: Callable[..., None]) -> Callable[..., None]:
        name = test.__name__.removeprefix(_PREFIX)

        @functools.wraps(test)
        def checked(self: Conformance, **arguments: Any) -> None:
            reason = self._declared(name, arguments.get("case"))
            try:
                test(self, **arguments)
            except pytest.skip.Exception as skipped:
                if reason is not None:
                    pytest.fail(f"stale deviation {name!r}: the check is skipped: {skipped}")
                raise
            except Exception:
                if reason is not None:
                    pytest.xfail(reason)
                raise
            if reason is not None:
                pytest.fail(f"stale deviation {name!r}: the check passes, so remove it: {reason}")

        checked.cases = cases  # type: ignore[attr-defined]
        return checked

    return make


class Conformance:
    """The base of all suites.

    Attributes:
        plugins: plugins to load besides the installed ones, as ``-p`` takes them.
        deviations: checks that are known to fail, each with its reason. A key is a check's name
            (without ``test_``), or ``name[case]`` for one of its cases.
    """

    plugins: ClassVar[tuple[str, ...]] = ()
    deviations: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a subclass that removes checks.

        Raises:
            UsageError: it overrides or marks a check, or declares a deviation from an unknown one.
        """
        super().__init_subclass__(**options)
        if not cls.__module__.startswith("flopbench.testing."):
            _require_whole(cls)
            _require_known_deviations(cls)

    @classmethod
    def check_names(cls) -> list[str]:
        """Return the names of the checks, without ``test_``."""
        return [name.removeprefix(_PREFIX) for name in dir(cls) if _is_check(cls, name)]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Let pytest run a check once per case.

        Raises:
            UsageError: the class does not name its plugin, checks were removed from it, or a
                deviation names a case that the check does not have.
        """
        for setting in sorted(_settings(type(self))):
            if not hasattr(self, setting):
                raise UsageError(f"{type(self).__name__} must say what it tests: {setting} = …")
        # Marks, and what was set after the class statement, are visible only now.
        _require_whole(type(self))
        _require_known_deviations(type(self))
        listing = getattr(metafunc.function, "cases", None)
        name = metafunc.function.__name__.removeprefix(_PREFIX)
        known: list[str] = []
        if listing:
            try:
                known = list(getattr(type(self), listing)())
            except FlopbenchError:
                # The check itself fails with the same error.
                known = ["unknown"]
            metafunc.parametrize("case", known)
        for deviation in self.deviations:
            start, _, case = deviation.removesuffix("]").partition("[")
            if start == name and case and case not in known and known != ["unknown"]:
                what = f"case of check {name!r} in the deviations of {type(self).__name__}"
                raise UsageError(unknown(what, case, known))

    def _declared(self, name: str, case: str | None) -> str | None:
        """Return the reason of a declared deviation, if there is one."""
        own = self.deviations.get(f"{name}[{case}]") if case is not None else None
        return self.deviations.get(name) if own is None else own

    @classmethod
    def _catalog(cls) -> Catalog:
        return catalog_with(cls.plugins)


@functools.cache
def catalog_with(plugins: tuple[str, ...]) -> Catalog:
    """Return the catalog of what is installed and of further plugins."""
    return build_catalog(load_plugins(plugins))


def _is_check(cls: type, name: str) -> bool:
    return name.startswith(_PREFIX) and hasattr(inspect.getattr_static(cls, name), "cases")


def _suite(cls: type) -> type:
    return next(base for base in cls.__mro__ if base.__module__.startswith("flopbench.testing."))


def _require_whole(cls: type) -> None:
    suite = _suite(cls)
    for name in dir(suite):
        given_here = inspect.getattr_static(cls, name)
        is_setting = name in _settings(suite) or name.startswith("__")
        if not is_setting and given_here is not inspect.getattr_static(suite, name):
            hint = "declare what it cannot pass in `deviations`, with the reason"
            raise UsageError(f"{cls.__name__} overrides {name} of {suite.__name__}: {hint}")
    for base in cls.__mro__[:-1]:
        for name, value in vars(base).items():
            if name in _NO_MARKS:
                raise UsageError(f"{cls.__name__} sets {name}: a suite is run as a whole")
            if name in _NO_HOOKS or _runs_by_itself(value):
                raise UsageError(
                    f"{cls.__name__} has {name}, which runs around every check: "
                    "a suite is run unchanged; put your own tests in another class"
                )


def _runs_by_itself(value: object) -> bool:
    """Return whether an attribute is a pytest fixture with ``autouse``."""
    # pytest has no public name for it, and a different private one before 8.4.
    places = ("_fixture_function_marker", "_pytestfixturefunction")
    return any(getattr(getattr(value, place, None), "autouse", False) is True for place in places)


def _settings(suite: type) -> set[str]:
    """Return what an author may set: the public annotated class attributes."""
    return {
        name
        for base in suite.__mro__
        for name in getattr(base, "__annotations__", {})
        if not name.startswith("_")
    }


def _require_known_deviations(cls: type[Conformance]) -> None:
    for deviation, reason in cls.deviations.items():
        name = deviation.partition("[")[0]
        if name not in cls.check_names():
            what = f"check in the deviations of {cls.__name__}"
            raise UsageError(unknown(what, name, cls.check_names()))
        if not (isinstance(reason, str) and reason.strip()):
            raise UsageError(f"deviation {deviation!r} of {cls.__name__} needs its reason, as text")


def require(condition: object, message: str) -> None:
    """Fail a check with a message unless a condition holds.

    Raises:
        AssertionError: the condition does not hold.
    """
    if not condition:
        raise AssertionError(message)


def for_all(
    strategy: SearchStrategy[Any], law: Callable[[Any], None], *, examples: int, shrink: bool = True
) -> None:
    """Check a law on drawn examples, the same ones every time.

    Args:
        shrink: whether to look for a smaller example if the law fails; costs many more calls.
    """
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if shrink else ()))
    # An author's hypothesis profile sets speed and health checks for the author's own tests.
    limits = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    limits(given(strategy)(law))()


def names(strategies: Iterable[tuple[str, Any, Any]]) -> list[str]:
    """Return the names on a shelf of the catalog."""
    return [name for name, _strategy, _source in strategies]
