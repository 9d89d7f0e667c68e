"""The catalog: names of models, modes, counters, reporters and formulas, and their plugins."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
from attrs import Factory, frozen

from flopbench.analytic import AnalyticModel, AttentionMode, Size, Stage, Sweep
from flopbench.boundary import calling
from flopbench.errors import PluginError, UsageError
from flopbench.formulas import PHASES, Formula, Origin
from flopbench.registry.loading import Contribution, Failure, Plugins, Source
from flopbench.registry.shipped import unknown_name
from flopbench.report import Reporter
from flopbench.vendor import Convention, VendorCounter, VendorModel
from flopbench.wildcards import pattern_for

T = TypeVar("T")


def _are_stages(stages: Any) -> bool:
    if not (stages and _are_named(stages, Stage)):
        return False
    base = {stage.name for stage in stages if not stage.parts}
    return all(base.issuperset(stage.parts) for stage in stages)


def _are_named(values: Any, kind: type) -> bool:
    """Return whether values are a tuple of one kind, each with a unique name."""
    if not (isinstance(values, tuple) and all(isinstance(value, kind) for value in values)):
        return False
    return len({value.name for value in values}) == len(values)


def _is_attrs_class(cls: Any) -> bool:
    return inspect.isclass(cls) and attrs.has(cls)


def _is_filename(filename: Any) -> bool:
    return filename is None or bool(filename and Path(filename).name == filename)


_PROPER: dict[type, dict[str, Callable[[Any], bool]]] = {
    AnalyticModel: {
        "stages": _are_stages,
        "sizes": lambda sizes: _are_named(sizes, Size),
        "sweeps": lambda sweeps: _are_named(sweeps, Sweep),
        "parts": lambda parts: isinstance(parts, Mapping),
        "options_type": _is_attrs_class,
        "inputs_type": _is_attrs_class,
    },
    VendorModel: {"options_type": _is_attrs_class},
    VendorCounter: {"convention": lambda convention: isinstance(convention, Convention)},
    Reporter: {"filename": _is_filename},
    Formula: {
        "origin": lambda origin: isinstance(origin, Origin),
        "counts": lambda counts: isinstance(counts, str) and bool(counts),
        "phases": lambda phases: bool(phases) and set(PHASES).issuperset(phases),
    },
}
"""Class attributes of a strategy, each with the check that it must pass."""


@frozen
class Shelf(Generic[T]):
    """The strategies of one kind, by name, each with its plugin."""

    what: str
    base: type[T]
    entries: dict[str, tuple[type[T], Source]] = Factory(dict)
    failures: list[Failure] = Factory(list)

    def get(self, name: str) -> type[T]:
        """Return the strategy called ``name``.

        Raises:
            UsageError: there is none; what to install for it or the nearest name is said, and
                a plugin that failed to load is named.
        """
        found = self.find(name)
        if found is None:
            message = unknown_name(self.what, name, self._names())
            broken = "; ".join(map(str, self.failures))
            raise UsageError(f"{message} ({broken})" if broken else message)
        return found

    def find(self, name: str) -> type[T] | None:
        """Return the strategy called ``name``, or None if there is none.

        If it is not listed, a name ending in ``*`` may match it.

        Raises:
            PluginError: the strategy that answers for the name raises.
        """
        if name in self.entries:
            return self.entries[name][0]
        pattern = pattern_for(name, self.entries)
        if pattern is None:
            return None
        strategy: Any = self.entries[pattern][0]
        with calling(f"{self.what} {pattern!r}: for_name({name!r})"):
            made: type[T] = strategy.for_name(name)
            return made

    def listed(self) -> Iterator[tuple[str, type[T], Source]]:
        """Yield all strategies, and before a name ending in ``*`` the names known to match it.

        Raises:
            PluginError: a strategy raises when asked for these names.
        """
        for name, strategy, source in self:
            named: Any = strategy
            if hasattr(named, "known_names"):
                with calling(f"{self.what} {name!r}: known_names"):
                    known = [(each, named.for_name(each)) for each in named.known_names()]
                yield from ((each, made, source) for each, made in known)
            yield name, strategy, source

    def _names(self) -> list[str]:
        try:
            return [name for name, _, _ in self.listed()]
        except PluginError:  # the user must correct the wrong name first
            return list(self.entries)

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[tuple[str, type[T], Source]]:
        for name, (strategy, source) in self.entries.items():
            yield name, strategy, source

    def put(self, strategy: Any, source: Source) -> None:
        """Add a strategy.

        Raises:
            PluginError: it is not a concrete class of this kind, has no name, or its name is taken.
        """
        name = self._check(strategy)
        if name in self.entries:
            first = self.entries[name][1]
            raise PluginError(f"defines the {self.what} {name!r}, which {first} already defines")
        filename = getattr(strategy, "filename", None)
        for other, (taken, _source) in self.entries.items():
            if filename and filename == getattr(taken, "filename", None):
                raise PluginError(
                    f"defines the reporter {name!r} for the file {filename}, which {other!r} writes"
                )
        self.entries[name] = (strategy, source)

    def _check(self, strategy: Any) -> str:
        kind = self.base.__name__
        if not (inspect.isclass(strategy) and issubclass(strategy, self.base)):
            raise PluginError(f"must return subclasses of {kind}, got {strategy!r}")
        missing = sorted(getattr(strategy, "__abstractmethods__", ()))
        if missing:
            raise PluginError(f"{kind} {strategy.__name__} lacks {', '.join(missing)}")
        name = getattr(strategy, "name", None)
        if not (isinstance(name, str) and name):
            raise PluginError(f"{kind} {strategy.__name__} has no name")
        if set(name) & set(", =\n"):
            raise PluginError(f"{kind} name {name!r} must not contain a comma, space or '='")
        for attribute, is_proper in _PROPER.get(self.base, {}).items():
            if not is_proper(getattr(strategy, attribute, None)):
                raise PluginError(f"{kind} {strategy.__name__} has no valid {attribute}")
        return name


@frozen
class Catalog:
    """Everything that plugins provide."""

    models: Shelf[AnalyticModel]
    attention_modes: Shelf[AttentionMode]
    vendor_models: Shelf[VendorModel]
    counters: Shelf[VendorCounter]
    reporters: Shelf[Reporter]
    formulas: Shelf[Formula]
    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the distributions that plugins come from, by name."""
        return {source.origin: source.version for source in self.sources if source.version}

    def raise_failures(self) -> None:
        """Make the first plugin failure fatal (``--strict-plugins``).

        Raises:
            PluginError: there is a failure.
        """
        for failure in self.failures:
            raise PluginError(str(failure))


def build_catalog(plugins: Plugins) -> Catalog:
    """Put all contributions on their shelves; one that does not fit becomes a failure."""
    failures = list(plugins.failures)
    shelves: dict[str, Shelf[Any]] = {
        "flopbench_analytic_models": Shelf("model", AnalyticModel, failures=failures),
        "flopbench_attention_modes": Shelf("attention mode", AttentionMode, failures=failures),
        "flopbench_vendor_models": Shelf("vendor model", VendorModel, failures=failures),
        "flopbench_vendor_counters": Shelf("vendor counter", VendorCounter, failures=failures),
        "flopbench_reporters": Shelf("reporter", Reporter, failures=failures),
        "flopbench_formulas": Shelf("formula", Formula, failures=failures),
    }
    for contribution in plugins.contributions:
        failures.extend(_shelve(shelves[contribution.hook], contribution))
    return Catalog(
        models=shelves["flopbench_analytic_models"],
        attention_modes=shelves["flopbench_attention_modes"],
        vendor_models=shelves["flopbench_vendor_models"],
        counters=shelves["flopbench_vendor_counters"],
        reporters=shelves["flopbench_reporters"],
        formulas=shelves["flopbench_formulas"],
        sources=plugins.sources,
        failures=tuple(failures),
    )


def _shelve(shelf: Shelf[Any], contribution: Contribution) -> Iterator[Failure]:
    values = contribution.values
    if not isinstance(values, list | tuple):
        error = f"must return a list of classes from {contribution.hook}, got {values!r}"
        yield Failure(contribution.source, error)
        return
    for value in values:
        try:
            shelf.put(value, contribution.source)
        except PluginError as error:
            yield Failure(contribution.source, str(error))
