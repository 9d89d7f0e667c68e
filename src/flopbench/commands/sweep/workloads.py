"""The workloads of a sweep's points: of many at once where they differ in whole numbers alone.

The inputs of one point of a `Part` get arrays in place of the numbers that differ, and the model
makes a workload of arrays of them, as its formulas run on arrays. What a plugin cannot do so, or
does differently at the first or the last of these points, is done point by point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import evolve, fields, frozen

from flopbench.analytic import Stage, SweepPoint
from flopbench.analytic.columns import Column, at_rows
from flopbench.commands.sweep.point_plans import PointPlans
from flopbench.commands.sweep.points import Part, Points
from flopbench.commands.sweep.with_arrays import NotInArraysError, inputs_in_arrays, with_sizes
from flopbench.digests import canonical
from flopbench.dims import is_array
from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.plan.structure import structure


@frozen(kw_only=True, eq=False)
class Made:
    """Points of one run, with their workload.

    Attributes:
        indices, labels, facts: of each point.
        inputs: the values of ``workload.`` keys of the first point.
        varied: names of inputs that differ among the points.
        workload: its integers may be arrays, one per point.
        notes, stages: of all of the points.
    """

    run: Plan
    indices: Any
    labels: Sequence[str]
    facts: Mapping[str, Column]
    inputs: Any
    varied: frozenset[str] = frozenset()
    workload: Any
    notes: tuple[str, ...]
    stages: tuple[Stage, ...]


class Workloads:
    """Makes the workloads of points.

    Args:
        where: what an error says before the name of a point.
    """

    def __init__(self, *, plans: PointPlans, points: Points, where: str) -> None:
        self._plans, self._points, self._where = plans, points, where
        self._last: tuple[Any, list[Made]] = (None, [])

    def block(self, indices: Any) -> list[Made]:
        """Return consecutive points; keep them until others are asked for."""
        key = (int(indices[0]), len(indices))
        if self._last[0] != key:
            self._last = (key, self.made(indices))
        return self._last[1]

    def made(self, indices: Any) -> list[Made]:
        """Return the points at increasing indices.

        Raises:
            UsageError: a value is wrong; the message names the first point with such a value.
            PluginError: the model's plugin raises.
        """
        parts = [*self._points.parts(indices)]
        runs = [self._plans.at(part.first) for part in parts]
        try:
            return [
                made
                for run, part in zip(runs, parts, strict=True)
                for made in self._of_part(run, part)
            ]
        except UsageError:
            # That of another part may come first.
            for index in indices.tolist():
                point = self._points[index]
                self._inputs(self._plans.at(point), point)
            raise

    def _of_part(self, run: Plan, part: Part) -> Iterator[Made]:
        first = self._of_point(run, part.first, part, 0)
        if not part.sizes or len(part.indices) == 1:
            yield first
            return
        try:
            yield self._in_arrays(first, part)
        except NotInArraysError:
            yield first
            for row, index in enumerate(part.indices.tolist()[1:], start=1):
                point = self._points[index]
                try:
                    sizes = {key: int(column[row]) for key, column in part.sizes.items()}
                    inputs = with_sizes(first.inputs, sizes)
                except NotInArraysError:
                    inputs = None
                yield self._of_point(run, point, part, row, inputs)

    def _of_point(
        self, run: Plan, point: SweepPoint, part: Part, row: int, inputs: Any = None
    ) -> Made:
        inputs, workload = self._inputs(run, point, inputs)
        known = {name: at_rows(column, slice(row, row + 1)) for name, column in part.facts.items()}
        return Made(
            run=run,
            indices=part.indices[row : row + 1],
            labels=part.labels[row : row + 1],
            facts={**known, **_numbers(run.model.workload_facts(workload))},
            inputs=inputs,
            workload=workload,
            notes=run.model.notes_of(workload),
            stages=run.model.stages_of(workload),
        )

    def _inputs(self, run: Plan, point: SweepPoint, inputs: Any = None) -> tuple[Any, Any]:
        """Return a point's inputs, and its workload."""
        try:
            if inputs is None:
                values = _over(run.config["workload"], point.inputs)
                inputs = structure("workload", values, run.model.inputs_type)
            return inputs, run.model.workload(inputs)
        except UsageError as error:
            raise UsageError(f"{self._where}point {point.label}: {error}") from error

    def _in_arrays(self, first: Made, part: Part) -> Made:
        """Return all points of a part at once.

        Raises:
            NotInArraysError: it takes them one by one.
        """
        run, count = first.run, len(part.indices)
        last = self._of_point(run, self._points[int(part.indices[-1])], part, count - 1)
        sizes = {key: column for key, column in part.sizes.items() if len(np.unique(column)) > 1}
        inputs = inputs_in_arrays(first.inputs, sizes)
        try:
            model = run.model.plugin
            workload = model.workload(inputs)
            found = model.workload_facts(workload)
            facts = {**part.facts, **_numbers(found)}
            notes, stages = run.model.notes_of(workload), run.model.stages_of(workload)
            plain = _plain(workload, count)
        except Exception as error:
            raise NotInArraysError(str(error)) from error
        made = evolve(
            first,
            indices=part.indices,
            labels=part.labels,
            facts=facts,
            varied=frozenset(key.partition(".")[0] for key in sizes),
            workload=plain,
            notes=notes,
            stages=stages,
        )
        for row, alone in ((0, first), (count - 1, last)):
            if _seen(made, row) != _seen(alone, 0):
                raise NotInArraysError("a point alone is another")
        return made


def _plain(workload: Any, count: int) -> Any:
    """Return a workload whose arrays are fields of its own, plain numbers where all are equal."""
    changes = {}
    for field in fields(type(workload)):
        value = getattr(workload, field.name)
        if not is_array(value):
            canonical(value)  # refuses arrays within
        elif value.shape != (count,):
            raise NotInArraysError(field.name)
        elif (np.asarray(value) == value[0]).all():
            changes[field.name] = int(value[0])
    return evolve(workload, **changes)


def _seen(made: Made, row: int) -> Any:
    """Return all that is known of one of the points, in a form that can be compared."""
    values = {f.name: getattr(made.workload, f.name) for f in fields(type(made.workload))}
    both = [
        [(name, at_rows(value, slice(row, row + 1))) for name, value in each.items()]
        for each in (values, made.facts)
    ]
    return canonical(
        [[(n, v.tolist()[0] if is_array(v) else v) for n, v in each] for each in both]
    ), (made.notes, made.stages)


def _over(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        old = merged.get(key) or {}
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _over(old, value) if both else value
    return merged


def _numbers(facts: Mapping[str, Any]) -> dict[str, Column]:
    """Return the facts that are numbers of a point."""
    return {n: v for n, v in facts.items() if isinstance(v, int) or is_array(v)}
