"""Count the vendor at every point of a sweep: calls of equal shapes once, on several cores."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from attrs import frozen

from flopbench.compare import Attributed, Failed, attempt, attribute
from flopbench.counting import count_stage
from flopbench.errors import CountError, FlopbenchError, calling, describe
from flopbench.law import Subject
from flopbench.series_laws import WORTH_A_TRACE, Place, flops_by_law, place
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


@frozen
class Counted:
    """FLOPs of a unit, or why there are none."""

    flops: int | None
    error: str | None = None


def units(plan: SweepPlan) -> list[Unit]:
    """Return what has to be counted, in the order of points."""
    vendor = plan.base.vendor
    if vendor is None:
        return []
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
    tick: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Unit, Counted]]:
    """Count units; yield each when it is done, in any order.

    Units that differ in their sizes only are counted by one law (``vendor.method``), unless
    they are few; what no law covers is counted call by call.

    Args:
        jobs: processes; with 1, this one counts.
        tick: told of each call that this process counted.
    """
    by_law = _by_law(plan, todo)
    yield from by_law.items()
    todo = [unit for unit in todo if unit not in by_law]
    if jobs == 1 or len(todo) <= 1:
        for unit in todo:
            yield unit, count_unit(plan, unit, tick)
        return
    pool = ProcessPoolExecutor(
        min(jobs, len(todo)), get_context("spawn"), _start_worker, (request, os.getpid())
    )
    with pool:
        futures = {pool.submit(_count_in_worker, unit): unit for unit in todo}
        for future in as_completed(futures):
            yield futures[future], _result(future)


def _by_law(plan: SweepPlan, todo: list[Unit]) -> dict[Unit, Counted]:
    base = plan.base
    counter = base.counters[0] if base.counters else None
    if base.method == "concrete" or base.vendor is None or counter is None:
        return {}
    if counter.variant != VERIFIED or not counter.convention.plain:
        return {}
    groups: dict[Any, list[tuple[Unit, Place]]] = {}
    for unit in todo:
        with calling(f"model {base.model.name!r}: stage_workload"):
            found = place(base.model, unit.stage, plan.workloads[unit.points[0]])
        groups.setdefault(found.key, []).append((unit, found))
    counted: dict[Unit, Counted] = {}
    for group in groups.values():
        if base.method == "symbolic" or len(group) >= WORTH_A_TRACE:
            counted |= _group_by_law(plan, base.vendor, group)
    return counted


def _group_by_law(
    plan: SweepPlan, vendor: VendorModel, group: list[tuple[Unit, Place]]
) -> dict[Unit, Counted]:
    first = group[0][0]
    subject = Subject(
        vendor=vendor,
        counter=plan.base.counters[0],
        model=plan.base.model,
        stage=first.stage,
        workload=plan.workloads[first.points[0]],
        open_sizes=plan.base.model.sizes,
    )
    try:
        flops = flops_by_law(subject, [found for _, found in group])
    except CountError:
        return {}  # each call is counted instead, and says what is wrong with it
    except FlopbenchError:
        raise
    except Exception:  # noqa: BLE001 - a vendor that raises does so again when it is counted
        return {}
    return {unit: Counted(n) for (unit, _), n in zip(group, flops, strict=True) if n}


def _result(future: Any) -> Counted:
    try:
        counted: Counted = future.result()
    except FlopbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - a worker that died fails its point
        return Counted(None, f"the process that counted ended: {describe(error)}")
    return counted


def count_unit(plan: SweepPlan, unit: Unit, tick: Callable[[], None] = lambda: None) -> Counted:
    """Count one unit; a failure is a result.

    Raises:
        UsageError: what the vendor side needs is not installed.
    """
    vendor, counter = plan.base.vendor, plan.base.counters[0]
    if vendor is None:
        raise ValueError("an analytic-only sweep has nothing to count")

    def count() -> Attributed:
        stage = vendor.stage(unit.stage, plan.workloads[unit.points[0]])
        return attribute(count_stage(counter, stage, lambda _step: tick()), vendor.component)

    counted = attempt(count)
    if isinstance(counted, Failed):
        return Counted(None, counted.reason)
    return _checked(counted, counter.convention)


def _checked(counted: Attributed, convention: Convention) -> Counted:
    """Refuse a count that is none of FLOPs, sees nothing, or leaves out matrix work."""
    if counted.uncounted:
        names = ", ".join(sorted({op.op for op in counted.uncounted}))
        return Counted(None, f"the vendor runs ops that the counter has no formula for: {names}")
    if not convention.plain:
        return Counted(None, f"the counter's numbers are {convention.describe()}")
    if not counted.flops:
        return Counted(None, "the counter saw no FLOPs at all, which verifies nothing")
    return Counted(counted.flops)


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
    total = 0
    for part in parts:
        if part.flops is None:
            return part
        total += part.flops
    return Counted(total)
