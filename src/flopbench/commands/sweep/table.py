"""A sweep's points as a table of columns, which is made block by block and not held.

The points of a block that are alike form a `Group`: what ``sweep.json`` says of one of them, with a
column in the place of each value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import eq, itemgetter
from typing import Any

import numpy as np
from attrs import frozen

from flopbench.analytic import Stage
from flopbench.analytic.columns import Column, at_rows, divided, total, values_of
from flopbench.analytic.price_many import Evaluator, Priced, with_intensity
from flopbench.analytic.stacked import stacked
from flopbench.commands.sweep.counted import Counted
from flopbench.commands.sweep.owners import Owners
from flopbench.commands.sweep.plan import SweepPlan, blocks
from flopbench.commands.sweep.workloads import Made
from flopbench.plan import Plan
from flopbench.plan.targets import GIGA, TERA, Deadline, Targets

Tree = Mapping[str, Any]
"""Mappings of names to mappings, and in the end to columns."""


@frozen(eq=False)
class Group:
    """Points that have the same fields.

    Attributes:
        indices: of the points, increasing.
        tree: what is said of them.
    """

    indices: Any
    tree: Tree

    def rows(self, rows: Any) -> Group:
        """Return some of the points: a slice, or an array of places."""
        return Group(self.indices[rows], _at(self.tree, rows))

    def points(self) -> Iterator[dict[str, Any]]:
        """Yield what is said of each point."""
        columns = [values_of(leaf, len(self.indices)) for leaf in leaves(self.tree)]
        return (_filled(self.tree, iter(row)) for row in zip(*columns, strict=True))


def _at(tree: Any, rows: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _at(inner, rows) for name, inner in tree.items()}
    return at_rows(tree, rows)


def leaves(tree: Tree) -> Iterator[Column]:
    """Yield the columns of a tree, in order."""
    for inner in tree.values():
        if isinstance(inner, Mapping):
            yield from leaves(inner)
        else:
            yield inner


def _filled(tree: Tree, values: Iterator[Any]) -> dict[str, Any]:
    return {
        name: _filled(inner, values) if isinstance(inner, Mapping) else next(values)
        for name, inner in tree.items()
    }


class Table(Sequence[Mapping[str, Any]]):
    """The points of a sweep, as ``sweep.json`` has them; one block of them is held."""

    def __init__(self, plan: SweepPlan, counted: Counted, targets: Targets) -> None:
        self._plan, self._counted, self._targets = plan, counted, targets
        self._evaluators: dict[int, Evaluator] = {}
        self._last: tuple[int, list[Group]] = (-1, [])

    def __len__(self) -> int:
        return len(self._plan.points)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.sampled(range(*index.indices(len(self))))
        return self.sampled([range(len(self))[index]])[0]

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for groups in self.chunks():
            yield from ordered(groups)

    def __eq__(self, other: object) -> bool:
        """Return whether another sequence has equal points."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    @property
    def layouts(self) -> Iterable[tuple[str, ...]]:
        """The names of facts that points have, each list once, in the order of points."""
        return self._plan.seen.layouts

    def some(self, x: str, most: int) -> list[Mapping[str, Any]]:
        """Return at most so many points, which show all of the sweep along a fact."""
        return self.sampled(self._plan.points.some(x, most))

    def sampled(self, indices: Sequence[int]) -> list[Mapping[str, Any]]:
        """Return the points at some indices, in the order of the sweep."""
        wanted = np.unique(np.array(indices, dtype=np.int64))
        found: list[Mapping[str, Any]] = []
        for block in blocks(len(self)):
            here = wanted[np.isin(wanted, block)]
            if len(here):
                groups = self._block(block)
                some = (group.rows(np.isin(group.indices, here)) for group in groups)
                found += ordered([group for group in some if len(group.indices)])
        return found

    def chunks(self, size: int = 2048) -> Iterator[list[Group]]:
        """Yield all points in order: the groups of some, then those of the next."""
        for block in blocks(len(self)):
            groups = self._block(block)
            for start in range(int(block[0]), int(block[-1]) + 1, size):
                found = (_between(group, start, start + size) for group in groups)
                yield [group for group in found if len(group.indices)]

    def _block(self, indices: Any) -> list[Group]:
        if self._last[0] != indices[0]:
            self._last = (-1, [])  # before the next is made
            self._last = (int(indices[0]), self._groups(self._plan.made.block(indices)))
        return self._last[1]

    def _groups(self, found: Sequence[Made]) -> list[Group]:
        by_run: dict[int, list[Made]] = {}
        for made in found:
            by_run.setdefault(id(made.run), []).append(made)
        return [group for alike in by_run.values() for group in self._of_run(alike)]

    def _of_run(self, found: Sequence[Made]) -> Iterator[Group]:
        run, owners = found[0].run, Owners(found)
        for indices, workload in stacked([(made.indices, made.workload) for made in found]):
            deadlines = [*self._targets.deadlines(run.model, workload)]
            start = 0
            for count, priced in self._evaluator(run).pieces(workload, len(indices)):
                rows = slice(start, start + count)
                start += count
                tree = {s.name: self._stage(s, indices[rows], priced) for s in self._plan.stages}
                required = {d.target: self._rates(d, rows, priced) for d in deadlines}
                tree |= {"required": required} if required else {}
                for places, facts in owners.facts(indices[rows]):
                    yield Group(indices[rows][places], {**facts, **_at(tree, places)})

    def _evaluator(self, run: Plan) -> Evaluator:
        if id(run) not in self._evaluators:
            needed = {name for s in self._plan.stages for name in (s.name, *s.parts)}
            self._evaluators[id(run)] = Evaluator(
                model=run.model,
                modes=run.modes,
                pricer=run.pricer,
                stages=needed | self._targets.stages(self._plan.base.model),
                sees=run.counters[0].convention.sees if run.counters else frozenset[str](),
            )
        return self._evaluators[id(run)]

    def _stage(self, stage: Stage, indices: Any, priced: Priced) -> dict[str, Any]:
        modes = [mode.name for mode in self._plan.base.modes]
        found: dict[str, Any] = {}
        for mode in modes:
            flops = priced[mode, stage.name].costs["flops"]
            found[f"analytic_{mode}_tflops"] = divided(flops, TERA)
            found[f"analytic_{mode}_flops"] = flops
        if "analytic_eager_tflops" in found:
            found["analytic_tflops"] = found["analytic_eager_tflops"]
        matching = [mode.name for mode in self._plan.base.modes if mode.matches_vendor]
        seen = {n: priced[matching[0], n].seen for n in stage.base_names} if matching else None
        found |= self._counted.at(stage, indices, seen)
        costs = {mode: priced[mode, stage.name] for mode in modes}
        found["cost"] = {mode: with_intensity(c.costs, c.parts) for mode, c in costs.items()}
        return found

    def _rates(self, deadline: Deadline, rows: slice, priced: Priced) -> dict[str, Any]:
        """Return the sustained rates that reach a target, in each attention mode."""
        seconds = at_rows(deadline.seconds, rows)
        found: dict[str, Any] = {}
        for mode in (mode.name for mode in self._plan.base.modes):
            costs = [priced[mode, stage].costs for stage in deadline.stages]
            flops, moved = (
                divided(total(cost[name] for cost in costs), seconds)
                for name in ("flops", "expected_bytes_moved")
            )
            found[mode] = {
                "tflops_per_s": divided(flops, TERA),
                "gigabytes_per_s": divided(moved, GIGA),
            }
        return found


def ordered(groups: Sequence[Group]) -> Iterator[dict[str, Any]]:
    """Yield the points of some groups in the order of the sweep."""
    if len(groups) == 1:
        return groups[0].points()
    each = (zip(group.indices.tolist(), group.points(), strict=True) for group in groups)
    return (point for _, point in merge(*each, key=itemgetter(0)))


def _between(group: Group, start: int, stop: int) -> Group:
    return group.rows(slice(*np.searchsorted(group.indices, (start, stop)).tolist()))
