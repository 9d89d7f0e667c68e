"""Resolve a sweep before any work: its points, their workloads, and everything named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from attrs import frozen

from flopbench.analytic import Stage
from flopbench.analytic.price_many import BLOCK
from flopbench.analytic.stacked import at_point
from flopbench.commands.sweep.point_plans import PointPlans
from flopbench.commands.sweep.points import Points
from flopbench.commands.sweep.request import (
    SweepRequest,
    names_of,
    refuse_hardware,
    refuse_overruled,
    sweep_of,
)
from flopbench.commands.sweep.seen import Seen
from flopbench.commands.sweep.workloads import Made, Workloads
from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog


@frozen(kw_only=True, eq=False, slots=False)
class SweepPlan:
    """A sweep with everything resolved.

    Points are not held, but made again in blocks: there may be very many.

    Attributes:
        base: the run that every point varies; where they vary the model, that of the first.
        stages: the stages to report.
        x: the fact on the horizontal axis of plots.
        size: the fact beside a point's label in tables.
        made: makes the workloads of points.
        seen: what is known of all points.
    """

    base: Plan
    name: str
    description: str
    stages: tuple[Stage, ...]
    x: str
    size: str
    points: Points
    made: Workloads
    seen: Seen

    @property
    def by_plan(self) -> list[tuple[Plan, list[int]]]:
        """Each distinct run, with the index of its first point."""
        return [(run, [first]) for run, first in self.seen.runs.values()]

    @cached_property
    def _each(self) -> _Each:
        return _Each(self.made, len(self.points))

    @property
    def workloads(self) -> Sequence[Any]:
        """The workload of each point."""
        return _Field(self._each, 1)

    @property
    def plans(self) -> Sequence[Plan]:
        """The run of each point: the same object, unless they vary more than the workload."""
        return _Field(self._each, 0)


def plan_sweep(catalog: Catalog, request: SweepRequest) -> SweepPlan:
    """Resolve a sweep.

    Raises:
        UsageError: something that the user gave is wrong; the message names the point, if it
            is one of many.
        PluginError: the model's plugin raises.
    """
    refuse_hardware(request)
    plans = PointPlans(catalog, request)
    base = plans.first()
    if len(base.counters) > 1:
        raise UsageError("a sweep has one vendor series: name one counter in --counters")
    sweep, points = sweep_of(base, request)
    refuse_overruled(request, points)
    where = f"sweep {sweep.name!r}, " if request.name else ""
    made = Workloads(plans=plans, points=points, where=where)
    seen = Seen(base, sweep, x_is_required=request.name is not None)
    for indices in blocks(len(points)):
        seen.add(made.block(indices))
    given = base.config["run"]["stages"] is not None
    stages = names_of(base.stages) if given else sweep.stages
    if not given and not request.name:
        stages = names_of(seen.stages)
    return SweepPlan(
        base=base,
        name=sweep.name,
        description=sweep.description,
        stages=tuple(stage for stage in seen.stages if stage.name in stages),
        x=sweep.x,
        size=seen.size,
        points=points,
        made=made,
        seen=seen,
    )


def blocks(count: int) -> Iterator[Any]:
    """Yield the indices of points in blocks: arrays of consecutive numbers."""
    for start in range(0, count, BLOCK):
        yield np.arange(start, min(start + BLOCK, count))


class _Each:
    """The run and the workload of each point."""

    def __init__(self, made: Workloads, count: int) -> None:
        self.count, self._made = count, made
        self._block: list[Made] = []
        self._place_of: Any = None

    def __call__(self, index: int) -> tuple[Plan, Any]:
        start = index - index % BLOCK
        block = self._made.block(np.arange(start, min(start + BLOCK, self.count)))
        if block is not self._block:
            self._block, self._place_of = block, _places(block, start)
        made = block[self._place_of[index - start]]
        return made.run, at_point(made.workload, int(np.searchsorted(made.indices, index)))


def _places(block: Sequence[Made], start: int) -> Any:
    """Return where in a block each point from ``start`` on is."""
    places = np.empty(sum(len(made.indices) for made in block), dtype=np.int64)
    for place, made in enumerate(block):
        places[made.indices - start] = place
    return places


class _Field(Sequence[Any]):
    def __init__(self, each: _Each, place: int) -> None:
        self._each, self._place = each, place

    def __len__(self) -> int:
        return self._each.count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self._each(range(len(self))[index])[self._place]


def settings_of(plan: SweepPlan, section: str) -> list[Mapping[str, Any] | None]:
    """Return a section of the configuration of each distinct run."""
    return [run.config.get(section) for run, _ in plan.by_plan]
