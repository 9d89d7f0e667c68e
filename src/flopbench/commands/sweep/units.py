"""Count the vendor at the points of a sweep: calls of equal shapes once, or many by one law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from flopbench.commands.sweep.law_groups import WORTH_A_LAW, GroupLaw, Place, law_of, place
from flopbench.commands.sweep.plan import SweepPlan
from flopbench.errors import CountError, FlopbenchError, UsageError
from flopbench.laws.by_length import count_by_length
from flopbench.plan import Plan
from flopbench.plan.subjects import subject_of
from flopbench.tally import sums
from flopbench.vendor import VERIFIED, Convention, VendorModel
from flopbench.vendor.attribution import Attributed, Failed, attempt, attribute
from flopbench.vendor.method import Method


@frozen
class Unit:
    """A stage to be counted once for all points whose calls have the same shapes.

    Attributes:
        points: indices of those points; the first one is counted.
    """

    stage: str
    points: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its name in a journal."""
        return f"{self.stage}/{self.points[0]}"


@frozen
class UnitCount:
    """FLOPs of a unit, or why the count failed.

    Attributes:
        by_component: FLOPs; None if the count failed, for the reason in ``error``.
        method: `Method.CONCRETE` if the calls of this very unit were counted, `Method.SYMBOLIC`
            if it comes from a law that was checked against calls of other units.
        own_ops: ops that were counted by the counter's own formulas; a law does not tell them, but
            the calls that it was checked against do.
    """

    by_component: Mapping[str, int] | None
    method: Method | None = None
    error: str | None = None
    own_ops: tuple[str, ...] = ()

    @property
    def flops(self) -> int | None:
        """All FLOPs counted."""
        return None if self.by_component is None else sum(self.by_component.values())


def failed(error: str) -> UnitCount:
    """Return a count that failed, and why."""
    return UnitCount(None, None, error)


def units(plan: SweepPlan) -> list[Unit]:
    """Return what has to be counted, in the order of points."""
    if not plan.base.vendor_strategies:
        return []
    vendors = {id(each): each.vendor_strategies[0][1] for each, _ in plan.by_plan}
    needed = {name for stage in plan.stages for name in stage.base_names}
    found: dict[Any, list[int]] = {}
    for index, (each, workload) in enumerate(zip(plan.plans, plan.workloads, strict=True)):
        for stage in plan.base.model.stages:
            if stage.name in needed:
                shapes = vendors[id(each)].shapes(stage.name, workload)
                found.setdefault((stage.name, id(each), shapes), []).append(index)
    return [Unit(stage, tuple(indices)) for (stage, _, _), indices in found.items()]


def _run(plan: SweepPlan, unit: Unit) -> Plan:
    """Return the run that a unit's points are of."""
    return plan.plans[unit.points[0]]


Task = tuple[Unit, ...]
"""A unit to be counted by its own calls, or several to be given by one law."""


@frozen
class Counts:
    """The counts of a task.

    Attributes:
        by_unit: may lack some units, which are to be counted by their own calls.
        law: what gave the counts of several units, but for those that were counted by calls.
    """

    by_unit: Mapping[Unit, UnitCount]
    law: GroupLaw | None = None


def count_task(plan: SweepPlan, task: Task) -> Counts:
    """Count a unit, or those of several that a law gives."""
    if len(task) > 1:
        return _group_by_law(plan, task)
    return Counts({task[0]: count_unit(plan, task[0])})


def given_by(plan: SweepPlan, law: GroupLaw, task: Task) -> dict[Unit, UnitCount]:
    """Return the counts of units that a law gives.

    Raises:
        CountError: it cannot be evaluated there.
    """
    found = law.at([_place(plan, unit) for unit in task])
    return {u: UnitCount(flops, Method.SYMBOLIC) for u, flops in zip(task, found, strict=True)}


def groups(plan: SweepPlan, todo: list[Unit]) -> list[Task]:
    """Return the units that a law may give, by law."""
    base = plan.base
    if base.method == "concrete" or not base.vendor_strategies:
        return []
    ((counter, _),) = base.vendor_strategies
    if counter.variant != VERIFIED or not counter.convention.plain:
        return []
    found: dict[Any, list[Unit]] = {}
    for unit in todo:
        found.setdefault((id(_run(plan, unit)), _place(plan, unit).key), []).append(unit)
    fewest = 2 if base.method == "symbolic" else WORTH_A_LAW
    return [tuple(group) for group in found.values() if len(group) >= fewest]


def _place(plan: SweepPlan, unit: Unit) -> Place:
    return place(_run(plan, unit).model, unit.stage, plan.workloads[unit.points[0]])


def _worth_a_law(plan: SweepPlan, vendor: VendorModel, unit: Unit) -> bool:
    """Return whether the user asked for a law, or counting each call takes too long."""
    if plan.base.method == "symbolic":
        return True
    workload = plan.workloads[unit.points[0]]
    stage = attempt(lambda: vendor.stage(unit.stage, workload))
    return not isinstance(stage, Failed) and stage.sampled


def _group_by_law(plan: SweepPlan, group: Task) -> Counts:
    """Count a group by its law; return nothing if calls in its middle or at its end refute it.

    The law was already checked against calls of the first unit.
    """
    run = _run(plan, group[0])
    ((_, vendor),) = run.vendor_strategies
    if not _worth_a_law(plan, vendor, group[0]):
        return Counts({})
    subject = subject_of(run, group[0].stage, workload=plan.workloads[group[0].points[0]])
    try:
        law, covered = law_of(subject, [_place(plan, unit) for unit in group])
        counts = given_by(plan, law, tuple(group[place] for place in covered))
    except CountError:
        return Counts({})  # each call is counted instead, and shows what is wrong
    except UsageError:
        raise
    except (Exception, SystemExit):  # noqa: BLE001 - it is raised again when the unit is counted
        return Counts({})
    if group[0] in counts:
        counts[group[0]] = evolve(counts[group[0]], method=Method.CONCRETE)
    for unit in {group[len(group) // 2], group[-1]} - {group[0]}:
        if unit in counts:
            counted = count_unit(plan, unit)
            if counted.by_component != counts[unit].by_component:
                return Counts({})
            counts[unit] = counted
    return Counts(counts, law)


def count_unit(plan: SweepPlan, unit: Unit) -> UnitCount:
    """Count one unit; a failure is a result.

    Raises:
        UsageError: for example, what the vendor side needs is not installed.
    """
    ((counter, vendor),) = _run(plan, unit).vendor_strategies

    def count() -> Attributed:
        stage = vendor.stage(unit.stage, plan.workloads[unit.points[0]])
        return attribute(count_by_length(counter, stage), vendor.component_of)

    try:
        counted = attempt(count)
    except UsageError as error:
        raise UsageError(f"{plan.points[unit.points[0]].label} {unit.stage}: {error}") from error
    except FlopbenchError as error:
        # A plugin's error at one point fails that point alone.
        return failed(str(error))
    if isinstance(counted, Failed):
        return failed(counted.reason)
    return _checked(counted, counter.convention)


def _checked(counted: Attributed, convention: Convention) -> UnitCount:
    """Refuse a count that is not in FLOPs, or leaves out matrix work."""
    if counted.uncounted:
        names = ", ".join(sorted({op.op for op in counted.uncounted}))
        return failed(f"the vendor runs ops that the counter has no formula for: {names}")
    if not convention.plain:
        return failed(f"the counter's numbers are {convention.describe()}")
    return UnitCount(
        sums((entry.component, entry.flops) for entry in counted.entries),
        Method.CONCRETE,
        own_ops=tuple(formula.op for formula in counted.own_formulas),
    )
