"""Layers that are equal are traced once: what a law assumes of them, and holds against counts.

A counter takes layers as equal if nothing that it sees tells them apart
(`SymbolicCounter.with_equal_layers_once`). A plain count of every layer must then give what the
trace gives, module by module, near its examples and far from them. Layers where it does
not are traced apart; after a few tries, all are. A trace in which some sizes are small numbers is
not held again if it agrees with one that was; where all of them are, every layer is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TypeVar

import sympy
from attrs import define, field

from flopbench.errors import CountError
from flopbench.laws.law import Key, put_in
from flopbench.tally import sums
from flopbench.text import key_values, plural
from flopbench.vendor import Count, SymbolicCounter, Trace, Uncounted, VendorCounter

C = TypeVar("C", bound=VendorCounter)

Sizes = Mapping[str, int]

_TRIES = 3
"""How often layers that turn out to differ are traced apart, before all are."""

_NEAR = ((2, 0), (1, 1), (3, 0))
_FAR = ((97, 0), (64, 0), (16, 0), (5, 0))
"""Other sizes than an example: a times it, plus b. Far ones show what long inputs run otherwise."""


@define(eq=False)
class EqualLayers:
    """Which layers of a call are traced once, over all traces of a search for its law.

    Attributes:
        every_layer: whether each layer is traced.
        stood_for: layers that were not traced, each with the equal one that stood for it.
        apart: layers that are not taken as equal to any other.
    """

    every_layer: bool = False
    stood_for: dict[str, str] = field(factory=dict)
    apart: frozenset[str] = frozenset()
    _tries: int = 0
    _counted_at: dict[str, None] = field(factory=dict)

    def once(self, counter: C) -> C | SymbolicCounter:
        """Return what runs equal layers once; the counter itself if it runs every layer."""
        if self.every_layer or not isinstance(counter, SymbolicCounter):
            return counter
        return counter.with_equal_layers_once(self.apart)

    def is_new(self, trace: Trace) -> bool:
        """Return whether layers stand for others in a trace that did not before."""
        return not trace.stood_for.items() <= self.stood_for.items()

    def hold(
        self, trace: Trace, examples: Sizes, count: Callable[[Sizes], Count], *, widely: bool
    ) -> bool:
        """Hold a trace against counts of every layer; if it fails, fewer are taken as equal next.

        Args:
            count: counts the call at values of the open sizes.
            widely: whether near the examples and far from them, rather than at them.

        Raises:
            CountError: the call fails at the examples.
        """
        counts = list(_others(trace, examples, count)) if widely else []
        if widely and not counts:
            self.every_layer = True
            return False
        if len(counts) < len((_NEAR, _FAR)):
            counts.append((examples, count(examples)))
        wrong = {module for at, found in counts for module in _wrong(trace, at, found)}
        apart = {path for path in trace.stood_for if _within(path, wrong)}
        if not apart:
            self.stood_for |= trace.stood_for
            places = (", ".join(key_values(at)) for at, _ in counts)
            self._counted_at |= dict.fromkeys(places)
            return True
        self._tries += 1
        self.every_layer = self._tries >= _TRIES
        self.apart |= apart | {trace.stood_for[path] for path in apart}
        return False

    def texts(self) -> Iterator[str]:
        """Yield which layers stood for which, a sentence for each that did."""
        groups: dict[str, list[str]] = {}
        for path, traced in self.stood_for.items():
            groups.setdefault(traced, []).append(path)
        at = [*self._counted_at][:_SHOWN]
        more = len(self._counted_at) - len(at)
        at += [f"and {plural(more, 'more point')}"] if more else []
        for traced, paths in groups.items():
            yield (
                f"{traced} stands for {plural(len(paths), 'more layer')}, {_runs(paths)}: equal "
                f"but for their index, and each module of each was counted at {'; '.join(at)}"
            )


_SHOWN = 3
"""Points of a count that people are told; runs of layers, likewise."""


def _others(
    trace: Trace, examples: Sizes, count: Callable[[Sizes], Count]
) -> Iterator[tuple[Sizes, Count]]:
    """Count every layer near the examples and far from them, where a trace holds."""
    for factors in (_NEAR, _FAR):
        for at in ({name: a * v + b for name, v in examples.items()} for a, b in factors):
            if all(put_in(guard, at) == sympy.true for guard in trace.guards):
                with suppress(CountError):  # a call may refuse some sizes
                    yield at, count(at)
                    break


def _wrong(trace: Trace, sizes: Sizes, counted: Count) -> Iterator[str]:
    """Yield the modules where a trace does not give what was counted."""
    values = {form: put_in(form, sizes) for form in {*trace.flops.values()}}
    traced = {key: values[form] for key, form in trace.flops.items()}
    flops, calls = by_module(counted)
    for ours, theirs in ((traced, flops), (calls_by_module(trace.uncounted), calls)):
        yield from (k[0] for k in {**ours, **theirs} if ours.get(k, 0) != theirs.get(k, 0))


def by_module(count: Count) -> tuple[dict[Key, int], dict[Key, int]]:
    """Return FLOPs, and calls of ops without a formula, by module and op."""
    flops = sums(((entry.module, entry.op), entry.flops) for entry in count.counted)
    return flops, calls_by_module(count.uncounted)


def calls_by_module(uncounted: Iterable[Uncounted]) -> dict[Key, int]:
    """Return calls of ops without a formula, by module and op."""
    return sums(((each.module, each.op), each.calls) for each in uncounted)


def _within(path: str, modules: Iterable[str]) -> bool:
    """Return whether a layer, or a module within it, is among modules."""
    return any(module == path or module.startswith(f"{path}.") for module in modules)


def _runs(paths: Sequence[str]) -> str:
    """Write paths, those whose numbers follow each other by the first and the last."""
    starts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(paths)) if not _follows(a, b))]
    runs = [paths[a:b] for a, b in pairwise((*starts, len(paths)))]
    texts = [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join(texts if len(texts) <= _SHOWN else (*texts[: _SHOWN - 1], "…", texts[-1]))


def _follows(one: str, other: str) -> bool:
    (start, _, number), (same, _, following) = one.rpartition("."), other.rpartition(".")
    numbers = number.isdigit() and following.isdigit()
    return numbers and start == same and int(following) == int(number) + 1
