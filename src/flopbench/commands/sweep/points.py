"""The points of a sweep: a list, or the product of varied keys, of which none is held."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from operator import mul
from typing import Any

import numpy as np
from attrs import Factory, frozen

from flopbench.analytic import SweepPoint
from flopbench.analytic.columns import Column
from flopbench.commands.sweep.by_hand import WORKLOAD, Values
from flopbench.plan.config import put

MOST_LINES = 9
"""Lines of very many points that a plot shows."""


@frozen(kw_only=True)
class VariedPoint(SweepPoint):
    """A point that may also vary keys of other sections than the workload.

    Attributes:
        settings: values by full key, such as ``model.dtype``.
    """

    settings: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True, eq=False)
class Part:
    """Points that differ in nothing but whole numbers of their workload.

    Attributes:
        indices: of the points, increasing.
        first: the first point.
        labels, facts: of each point; a fact is a column.
        sizes: the numbers that differ, an array by dotted key below ``workload.``.
    """

    indices: Any
    first: SweepPoint
    labels: Sequence[str]
    facts: Mapping[str, Column]
    sizes: Mapping[str, Any] = Factory(dict)


class Points(ABC, Sequence[SweepPoint]):
    """The points of a sweep, by index."""

    @abstractmethod
    def parts(self, indices: Any) -> Iterator[Part]:
        """Yield the points at some indices, in parts.

        Args:
            indices: an increasing array.
        """

    @abstractmethod
    def some(self, x: str, most: int) -> Sequence[int]:
        """Return the indices of at most so many points that show all of the sweep.

        Args:
            x: the fact along which points form lines.
        """

    @abstractmethod
    def keys(self) -> set[str]:
        """Return the full keys that points set."""

    @abstractmethod
    def identity(self) -> Any:
        """Return plain data that other points do not have."""


@frozen(eq=False)
class Listed(Points):
    """Points that a model's sweep gives, each on its own."""

    points: tuple[SweepPoint, ...]

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def parts(self, indices: Any) -> Iterator[Part]:
        for index in indices.tolist():
            point = self.points[index]
            facts = {name: constant(value, 1) for name, value in point.facts.items()}
            yield Part(indices=np.array([index]), first=point, labels=[point.label], facts=facts)

    def some(self, x: str, most: int) -> Sequence[int]:
        return _spread(len(self), most)

    def keys(self) -> set[str]:
        return {key for point in self.points for key in _leaves("workload", point.inputs)}

    def identity(self) -> Any:
        return [(dict(point.inputs), dict(point.facts)) for point in self.points]


@frozen(eq=False, slots=False)
class Product(Points):
    """All combinations of the values of some keys, the last one varying fastest."""

    axes: tuple[tuple[str, Values], ...]

    @cached_property
    def _sizes(self) -> list[bool]:
        """Whether each axis is of whole numbers of the workload."""
        return [
            key.startswith(WORKLOAD)
            and (isinstance(values, range) or all(type(value) is int for value in values))
            for key, values in self.axes
        ]

    def __len__(self) -> int:
        return math.prod(len(values) for _, values in self.axes)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        places = self.places(range(len(self))[index])
        return self._point([values[i] for (_, values), i in zip(self.axes, places, strict=True)])

    def places(self, indices: Any) -> list[Any]:
        """Return where points are on each axis.

        Args:
            indices: of points: a number, or an array.
        """
        each = zip(self._strides, self.axes, strict=True)
        return [indices // stride % len(values) for stride, (_, values) in each]

    @cached_property
    def _strides(self) -> list[int]:
        """How many points further the next value of each axis is."""
        lengths = [len(values) for _, values in self.axes]
        return [math.prod(lengths[number:]) for number in range(1, len(lengths) + 1)]

    def _point(self, chosen: Sequence[Any]) -> VariedPoint:
        varied = dict(zip((key for key, _ in self.axes), chosen, strict=True))
        inputs: dict[str, Any] = {}
        for key, value in varied.items():
            if key.startswith(WORKLOAD):
                put(inputs, key.removeprefix(WORKLOAD), value)
        facts = {_fact(key): value for key, value in varied.items()}
        return VariedPoint(
            label=" ".join(f"{name}={_shown(value)}" for name, value in facts.items()),
            inputs=inputs,
            facts=facts,
            settings={k: value for k, value in varied.items() if not k.startswith(WORKLOAD)},
        )

    def parts(self, indices: Any) -> Iterator[Part]:
        places = self.places(indices)
        apart = np.zeros(len(indices), dtype=np.int64)
        for (_, values), place, are_sizes in zip(self.axes, places, self._sizes, strict=True):
            if not are_sizes:
                apart = apart * len(values) + place
        for rows in _equal(apart):
            yield self._part(indices[rows], [place[rows] for place in places])

    def _part(self, indices: Any, places: Sequence[Any]) -> Part:
        first = self[int(indices[0])]
        facts: dict[str, Column] = {}
        sizes, words = {}, []
        for (key, values), place, are_sizes in zip(self.axes, places, self._sizes, strict=True):
            name = _fact(key)
            if are_sizes:
                facts[name] = column = _taken(values, place)
                sizes[name] = column
                words.append([f"{name}={value}" for value in column.tolist()])
            else:
                facts[name] = constant(first.facts[name], len(indices))
                words.append([f"{name}={_shown(first.facts[name])}"] * len(indices))
        return Part(
            indices=indices,
            first=first,
            labels=[*map(" ".join, zip(*words, strict=True))],
            facts=facts,
            sizes=sizes,
        )

    def some(self, x: str, most: int) -> Sequence[int]:
        """Return those of a few lines, from end to end."""
        if len(self) <= most:
            return range(len(self))
        others = [key for key, values in self.axes if _fact(key) != x and len(values) > 1]
        of_each = int(MOST_LINES ** (1 / max(len(others), 1)) + 1e-9)
        lines = math.prod(min(of_each, len(values)) for key, values in self.axes if key in others)
        chosen = [
            _spread(len(values), most // lines if _fact(key) == x else of_each)
            for key, values in self.axes
        ]
        return [sum(map(mul, places, self._strides)) for places in product(*chosen)]

    def keys(self) -> set[str]:
        return {
            leaf
            for key, values in self.axes
            for value in ((0,) if isinstance(values, range) else values)
            for leaf in _leaves(key, value)
        }

    def identity(self) -> Any:
        return [
            (key, repr(values) if isinstance(values, range) else [*values])
            for key, values in self.axes
        ]


def _taken(values: Values, place: Any) -> Any:
    """Return the values at some places: int64, or Python's numbers where those do not fit."""
    if isinstance(values, range) and abs(values[-1]) < 2**62 and abs(values[0]) < 2**62:
        return values.start + values.step * place
    array = np.array([values[i] for i in place.tolist()], dtype=object)
    fits = all(-(2**63) <= value < 2**63 for value in array)
    return array.astype(np.int64) if fits else array


def _equal(keys: Any) -> Iterator[Any]:
    """Yield the rows of each key, keys in the order of their first rows."""
    if not len(keys) or (keys == keys[0]).all():
        yield np.arange(len(keys))
        return
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order])) + 1
    yield from sorted(np.split(order, starts), key=lambda rows: int(rows[0]))


def _fact(key: str) -> str:
    """Return the name of the fact that an axis is."""
    return key.removeprefix(WORKLOAD)


def _spread(count: int, most: int) -> Sequence[int]:
    """Return at most so many indices, evenly from the first to the last."""
    if count <= most:
        return range(count)
    return [round(i * (count - 1) / max(most - 1, 1)) for i in range(most)]


def constant(value: Any, count: int) -> Column:
    """Return a value that points share as a column: a mapping is no column itself."""
    if not isinstance(value, Mapping):
        return value
    column = np.empty(count, dtype=object)
    column[:] = [value] * count
    return column


def _shown(value: Any) -> str:
    """Return a value as a user would type it, without spaces."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _leaves(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key
