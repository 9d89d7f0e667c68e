"""Count the vendor model for a sweep, in this process or wherever an executor runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from flopbench.commands.sweep.plan import SweepPlan, plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.commands.sweep.units import (
    Counts,
    Task,
    Unit,
    count_task,
    failed,
    groups,
)
from flopbench.executors import HERE, Executor, Where, WorkerLostError
from flopbench.executors.frames import roomy
from flopbench.executors.kept import Kept
from flopbench.plan.elsewhere import Identity, identity, require_same


def vendor_counts(
    plan: SweepPlan,
    request: SweepRequest,
    todo: list[Unit],
    where: Where = HERE,
) -> Iterator[Counts]:
    """Count units; yield those that are done at once, in any order.

    Each is counted by its own calls, unless very many differ only in their sizes: those are given
    by one law (``run.method``), checked against calls of three of them.
    """
    by_law = groups(plan, todo)
    grouped = {unit for group in by_law for unit in group}
    tasks = by_law + [(unit,) for unit in todo if unit not in grouped]
    if not tasks:
        return
    run = uuid4().hex
    _PLANS.put(run, plan)

    def call(task: Task) -> tuple[Any, ...]:
        return count_there, run, request, task, None if where.is_here else _identity(plan, task[0])

    try:
        with where.executor(len(tasks)) as executor:
            yield from _counts(executor, call, tasks)
    finally:
        _PLANS.drop(run)


def _counts(
    executor: Executor, call: Callable[[Task], tuple[Any, ...]], tasks: list[Task]
) -> Iterator[Counts]:
    """Count tasks; the units of a law that does not hold, or of one that is lost, one by one."""
    pending = {executor.submit(*call(task)): task for task in tasks}
    for done in executor.as_completed():
        task = pending.pop(done)
        try:
            counts = done.result()
        except WorkerLostError:
            counts = Counts({} if len(task) > 1 else {task[0]: failed(_LOST)})
        yield counts
        for unit in (unit for unit in task if unit not in counts.by_unit):
            pending[executor.submit(*call((unit,)))] = (unit,)


_LOST = "the process that counted it ended, perhaps out of memory"

_PLANS: Kept[SweepPlan] = Kept()


def _identity(plan: SweepPlan, unit: Unit) -> Identity:
    index = unit.points[0]
    return identity(plan.plans[index], unit.stage, plan.workloads[index])


@roomy
def count_there(run: str, request: SweepRequest, task: Task, same: Identity | None) -> Counts:
    """Count a task in any process.

    Args:
        run: equal for tasks of one sweep, which a process plans once.
        same: what the task depends on, where it may be something else on another machine.

    Raises:
        UsageError: it is something else here.
    """
    plan = _PLANS.get(run, lambda: _planned(request))
    if same is not None:
        label = f"{task[0].stage} of {plan.points[task[0].points[0]].label}"
        require_same(same, _identity(plan, task[0]), label)
    return count_task(plan, task)


def _planned(request: SweepRequest) -> SweepPlan:
    from flopbench.registry.catalog import build_catalog
    from flopbench.registry.loading import load_plugins

    return plan_sweep(build_catalog(load_plugins(request.plugins)), request)
