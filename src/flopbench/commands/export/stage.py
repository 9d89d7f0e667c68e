"""The laws of one stage: priced once with symbols, and held against prices at numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from flopbench.analytic import Stage
from flopbench.commands.export.priced import Key, Prices, number_of, tree_of
from flopbench.dims import Dim
from flopbench.errors import DimError, FlopbenchError, PluginError
from flopbench.exports.evaluate import evaluate
from flopbench.exports.laws import Assumption, Golden, LeftOut, Refused, Symbol
from flopbench.exports.points import first_broken, refused, small, usual
from flopbench.exports.tree import InexpressibleError, Tree
from flopbench.text import key_values

MOST_GOLDEN = 4
"""Points that a test file has of a stage."""


@frozen
class Point:
    """Sizes, and what the stage costs there."""

    sizes: Mapping[str, int]
    values: Mapping[Key, int]


@define(eq=False)
class StageForms:
    """Finds the trees of a stage, and drops those that flopbench's own prices contradict.

    Attributes:
        open: the symbols of the stage's sizes, by name.
        trees: by quantity, attention mode and component.
        left_out: what has no tree, and why.
        points: sizes where all trees were compared with prices, and the prices.
    """

    prices: Prices
    stage: Stage
    symbols: tuple[Symbol, ...]
    open: Mapping[str, Any]
    conditions: tuple[Assumption, ...]
    trees: dict[Key, Tree] = field(factory=dict)
    left_out: dict[Key, str] = field(factory=dict)
    points: list[Point] = field(factory=list)
    _eagerly: dict[str, frozenset[str]] = field(factory=dict, init=False)

    def find(self) -> None:
        """Find the trees.

        Raises:
            PluginError: the model takes no symbols.
        """
        self.trees = self._trees(self.open, keep=True)
        self._eagerly = self.prices.eagerly(self.stage, self.open)
        for fixed, points in small(self.symbols):
            self._hold_where(fixed, points)
        for sizes in usual(self.symbols):
            point = self._priced(sizes)
            if point is not None:
                self._drop(point)
                self.points.append(point)
        self._hold_at_workload()
        self._drop_modes()

    def _trees(self, sizes: Mapping[str, Dim], *, keep: bool) -> dict[Key, Tree]:
        found: dict[Key, Tree] = {}
        for key, price in self.prices.at(self.stage, sizes).items():
            try:
                found[key] = tree_of(price)
            except (InexpressibleError, FlopbenchError) as error:
                if keep:
                    self.left_out[key] = str(error)
        return found

    def _priced(self, sizes: Mapping[str, int]) -> Point | None:
        """Price the stage at a point; None where its assumptions exclude it, or the model does."""
        if first_broken(self.conditions, sizes) is not None:
            return None
        try:
            prices = self.prices.at(self.stage, sizes)
        except PluginError:
            return None
        values = {key: number_of(prices[key]) for key in self.trees if key in prices}
        return Point(dict(sizes), values)

    def _hold_where(self, fixed: Mapping[str, int], points: Iterable[Mapping[str, int]]) -> None:
        """Add what costs are where some sizes are 0 or 1, if they are others there."""
        known = [point for sizes in points if (point := self._priced(sizes)) is not None]
        self.points += known
        wrong = {key for point in known for key in self._wrong(point)}
        if not wrong:
            return
        there = self._trees({**self.open, **fixed}, keep=False)
        where = [["==", name, str(value)] for name, value in fixed.items()]
        condition: Tree = where[0] if len(where) == 1 else ["and", *where]
        for key in wrong:
            self.trees[key] = ["if", condition, there.get(key, "0"), self.trees[key]]
        for point in known:
            self._drop(point)

    def _hold_at_workload(self) -> None:
        """Drop what `flopbench run` gives otherwise: a workload may be more than its sizes."""
        sizes = {symbol.name: symbol.example for symbol in self.symbols}
        prices = self.prices.of_workload(self.stage)
        for key in [key for key in self.trees if key in prices]:
            found, wanted = _at(self.trees[key], sizes), number_of(prices[key])
            if found != wanted:
                self._leave_out(key, sizes, found, wanted)

    def _leave_out(
        self, key: Key, sizes: Mapping[str, int], found: int | None, wanted: int
    ) -> None:
        del self.trees[key]
        where = ", ".join(key_values(sizes)) or "its own sizes"
        self.left_out[key] = f"its closed form is {found} at {where}, where the price is {wanted}"

    def _wrong(self, point: Point) -> Iterator[Key]:
        for key, tree in self.trees.items():
            if _at(tree, point.sizes) not in {point.values.get(key, 0), None}:
                yield key

    def _drop(self, point: Point) -> None:
        for key in list(self._wrong(point)):
            found, wanted = _at(self.trees[key], point.sizes), point.values.get(key, 0)
            self._leave_out(key, point.sizes, found, wanted)

    def _drop_modes(self) -> None:
        """Drop modes that can carry something out at some sizes only: with symbols, it is eager.

        Sizes that a proof excludes tell it, too: those that it allows may be none of these points.
        """
        sizes = [each for _, points in small(self.symbols) for each in points]
        for point in (*sizes, *usual(self.symbols)):
            try:
                eagerly = self.prices.eagerly(self.stage, point)
            except PluginError:
                continue
            for mode, there in eagerly.items():
                for component in sorted(self._eagerly[mode] ^ there):
                    why = f"{mode} runs {component} eagerly at some sizes, and not at others"
                    for key in [key for key in self.trees if key[1] == mode]:
                        del self.trees[key]
                        self.left_out[key] = why

    def missing(self) -> tuple[LeftOut, ...]:
        """Return the quantities of the whole stage that are left out."""
        return tuple(
            LeftOut(quantity, mode, reason)
            for (quantity, mode, component), reason in self.left_out.items()
            if component is None
        )

    def golden(self, functions: Mapping[Key, str]) -> tuple[Golden, ...]:
        """Return what flopbench gives at some points, by the name of the function."""
        usual_first = sorted(self.points, key=lambda point: 1 in point.sizes.values())
        found = []
        for point in usual_first:
            if all(_at(self.trees[key], point.sizes) is not None for key in functions):
                values = {name: point.values.get(key, 0) for key, name in functions.items()}
                found.append(Golden(point.sizes, values))
            if len(found) == MOST_GOLDEN:
                break
        return tuple(found)

    def refused(self) -> tuple[Refused, ...]:
        """Return points that the assumptions exclude."""
        return tuple(refused(self.symbols, self.conditions))


def _at(tree: Tree, sizes: Mapping[str, int]) -> int | None:
    """Return the value of a tree; None where a division leaves a rest, which is refused."""
    try:
        return int(evaluate(tree, sizes))
    except DimError:
        return None
