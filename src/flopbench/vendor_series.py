"""Count the vendor at every point of a sweep: calls of equal shapes once, on several cores."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Literal

from attrs import evolve, frozen

from flopbench.answers import component_of, vendor_stage
from flopbench.compare import Attributed, Failed, attempt, attribute
from flopbench.counting import count_stage, sums
from flopbench.errors import CountError, FlopbenchError, UsageError, calling
from flopbench.law import Subject
from flopbench.series_laws import WORTH_A_LAW, Place, counts_by_law, place
from flopbench.sweep_plan import SweepPlan, SweepRequest, plan_sweep
from flopbench.vendor import VERIFIED, Convention, VendorModel


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
        """Name it in a journal."""
        return f"{self.stage}/{self.points[0]}"


Method = Literal["call", "law"]


@frozen
class Counted:
    """FLOPs of a unit, or why there are none.

    Attributes:
        by_component: FLOPs; None if the count failed, for the reason in ``error``.
        method: ``call`` if the calls of this very unit were counted, ``law`` if a law that was
            measured and held against calls of other units gives it.
    """

    by_component: Mapping[str, int] | None
    method: Method | None = None
    error: str | None = None

    @property
    def flops(self) -> int | None:
        """All FLOPs counted."""
        return None if self.by_component is None else sum(self.by_component.values())


def failed(error: str) -> Counted:
    """Return a count that there is none of."""
    return Counted(None, None, error)


def units(plan: SweepPlan) -> list[Unit]:
    """Return what has to be counted, in the order of points."""
    if not plan.base.vendor_strategies:
        return []
    ((_, vendor),) = plan.base.vendor_strategies
    needed = {part for stage in plan.stages for part in stage.parts or (stage.name,)}
    found: dict[Any, list[int]] = {}
    for index, workload in enumerate(plan.workloads):
        for stage in plan.base.model.stages:
            if stage.name in needed:
                with calling(f"vendor model {vendor.name!r}: shapes"):
                    key = (stage.name, vendor.shapes(stage.name, workload))
                    found.setdefault(key, []).append(index)
    return [Unit(stage, tuple(indices)) for (stage, _), indices in found.items()]


def vendor_counts(
    plan: SweepPlan,
    request: SweepRequest,
    todo: list[Unit],
    jobs: int = 1,
) -> Iterator[tuple[Unit, Counted]]:
    """Count units; yield each when it is done, in any order.

    Each is counted by its own calls, unless very many differ in their sizes only: those are
    given by one law (``vendor.method``), held against calls of three of them.

    Args:
        jobs: processes; with 1, this one counts.
    """
    left = dict.fromkeys(todo)
    for unit, counted in _by_law(plan, todo):
        del left[unit]
        yield unit, counted
    if jobs == 1 or len(left) <= 1:
        for unit in left:
            yield unit, count_unit(plan, unit)
        return
    yield from _on_several_cores(request, list(left), jobs)


def _on_several_cores(
    request: SweepRequest, todo: list[Unit], jobs: int
) -> Iterator[tuple[Unit, Counted]]:
    """Count in a pool; what a broken pool leaves, one by one, to find out which one breaks it."""
    left = dict.fromkeys(todo)
    with _pool(request, min(jobs, len(todo))) as pool:
        futures = {pool.submit(_count_in_worker, unit): unit for unit in todo}
        for future in as_completed(futures):
            with contextlib.suppress(BrokenProcessPool):
                counted = future.result()
                del left[futures[future]]
                yield futures[future], counted
    for unit in left:
        with _pool(request, 1) as pool:
            try:
                yield unit, pool.submit(_count_in_worker, unit).result()
            except BrokenProcessPool:
                yield unit, failed("the process that counted it ended, as when memory runs out")


def _pool(request: SweepRequest, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (request, os.getpid()))


def _by_law(plan: SweepPlan, todo: list[Unit]) -> Iterator[tuple[Unit, Counted]]:
    base = plan.base
    if base.method == "concrete" or not base.vendor_strategies:
        return
    ((counter, vendor),) = base.vendor_strategies
    if counter.variant != VERIFIED or not counter.convention.plain:
        return
    groups: dict[Any, list[tuple[Unit, Place]]] = {}
    for unit in todo:
        with calling(f"model {base.model.name!r}: stage_workload"):
            found = place(base.model, unit.stage, plan.workloads[unit.points[0]])
        groups.setdefault(found.key, []).append((unit, found))
    for group in groups.values():
        if base.method == "symbolic" or _worth_a_law(plan, vendor, group):
            yield from _group_by_law(plan, vendor, group).items()


def _worth_a_law(plan: SweepPlan, vendor: VendorModel, group: list[tuple[Unit, Place]]) -> bool:
    """Tell whether counting each call takes too long, unless the user asked for each."""
    unit, _ = group[0]
    if len(group) < WORTH_A_LAW:
        return False
    workload = plan.workloads[unit.points[0]]
    stage = attempt(lambda: vendor_stage(vendor, unit.stage, workload))
    return not isinstance(stage, Failed) and stage.sampled


def _group_by_law(
    plan: SweepPlan, vendor: VendorModel, group: list[tuple[Unit, Place]]
) -> dict[Unit, Counted]:
    """Count a group by its law; nothing, if calls in its midst and at its end refute it.

    Calls of the first unit were counted for the law to be held against.
    """
    units_ = [unit for unit, _ in group]
    subject = Subject(
        vendor=vendor,
        counter=plan.base.counters[0],
        model=plan.base.model,
        stage=units_[0].stage,
        workload=plan.workloads[units_[0].points[0]],
        open_sizes=plan.base.model.sizes,
    )
    try:
        found = counts_by_law(subject, [found for _, found in group])
    except CountError:
        return {}  # each call is counted instead, and says what is wrong with it
    except UsageError:
        raise
    except (Exception, SystemExit):  # noqa: BLE001 - a vendor that raises does so again when it is counted
        return {}
    counts = {u: Counted(n, "law") for u, n in zip(units_, found, strict=True) if n}
    if units_[0] in counts:
        counts[units_[0]] = evolve(counts[units_[0]], method="call")
    for unit in {units_[len(units_) // 2], units_[-1]} - {units_[0]}:
        if unit in counts:
            counted = count_unit(plan, unit)
            if counted.by_component != counts[unit].by_component:
                return {}
            counts[unit] = counted
    return counts


def count_unit(plan: SweepPlan, unit: Unit) -> Counted:
    """Count one unit; a failure is a result.

    Raises:
        UsageError: what the vendor side needs is not installed, for one.
    """
    ((counter, vendor),) = plan.base.vendor_strategies

    def count() -> Attributed:
        stage = vendor_stage(vendor, unit.stage, plan.workloads[unit.points[0]])
        return attribute(count_stage(counter, stage), component_of(vendor))

    try:
        counted = attempt(count)
    except UsageError as error:
        raise UsageError(f"{plan.points[unit.points[0]].label} {unit.stage}: {error}") from error
    except FlopbenchError as error:
        # What a plugin does wrong at one point is that point's.
        return failed(str(error))
    if isinstance(counted, Failed):
        return failed(counted.reason)
    return _checked(counted, counter.convention)


def _checked(counted: Attributed, convention: Convention) -> Counted:
    """Refuse a count that is none of FLOPs, sees nothing, or leaves out matrix work."""
    if counted.uncounted:
        names = ", ".join(sorted({op.op for op in counted.uncounted}))
        return failed(f"the vendor runs ops that the counter has no formula for: {names}")
    if not convention.plain:
        return failed(f"the counter's numbers are {convention.describe()}")
    if not counted.flops:
        return failed("the counter saw no FLOPs at all, which verifies nothing")
    return Counted(sums((entry.component, entry.flops) for entry in counted.entries), "call")


_WORKER: dict[str, SweepPlan] = {}


def _start_worker(request: SweepRequest, parent: int) -> None:
    """Plan the same sweep in another process, which ends when its parent does."""
    from flopbench.catalog import build_catalog
    from flopbench.plugins import load_plugins

    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _WORKER["plan"] = plan_sweep(build_catalog(load_plugins(request.plugins)), request)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _count_in_worker(unit: Unit) -> Counted:
    return count_unit(_WORKER["plan"], unit)


def at_points(plan: SweepPlan, counts: Mapping[Unit, Counted]) -> list[dict[str, Counted]]:
    """Spread counts over the points, and add up composed stages."""
    points: list[dict[str, Counted]] = [{} for _ in plan.points]
    for unit, counted in counts.items():
        for index in unit.points:
            points[index][unit.stage] = counted
    for by_stage in points:
        for stage in plan.stages:
            if stage.parts and by_stage:
                by_stage[stage.name] = _sum([by_stage[part] for part in stage.parts])
    return points


def _sum(parts: list[Counted]) -> Counted:
    found: list[tuple[str, int]] = []
    for part in parts:
        if part.by_component is None:
            return part
        found += part.by_component.items()
    by_law = any(part.method == "law" for part in parts)
    return Counted(sums(found), "law" if by_law else "call")
