"""Count the vendor model for a sweep, on one core or several."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from flopbench.boundary import quiet
from flopbench.commands.sweep.plan import SweepPlan, SweepRequest, plan_sweep
from flopbench.commands.sweep.units import (
    Task,
    Unit,
    UnitCount,
    count_task,
    count_unit,
    failed,
    groups,
)


def vendor_counts(
    plan: SweepPlan,
    request: SweepRequest,
    todo: list[Unit],
    jobs: int = 1,
) -> Iterator[tuple[Unit, UnitCount]]:
    """Count units; yield each when it is done, in any order.

    Each is counted by its own calls, unless very many differ only in their sizes: those are given
    by one law (``run.method``), checked against calls of three of them.

    Args:
        jobs: processes; with 1, this one counts.
    """
    by_law = groups(plan, todo)
    grouped = {unit for group in by_law for unit in group}
    tasks = by_law + [(unit,) for unit in todo if unit not in grouped]
    if jobs > 1 and len(tasks) > 1:
        yield from _on_several_cores(request, tasks, jobs)
        return
    for task in tasks:
        counts = count_task(plan, task)
        yield from counts.items()
        for unit in task:
            if unit not in counts:
                yield unit, count_unit(plan, unit)


def _on_several_cores(
    request: SweepRequest, tasks: list[Task], jobs: int
) -> Iterator[tuple[Unit, UnitCount]]:
    """Count in a pool; if it breaks, count the rest one by one, to find which unit breaks it."""
    left = dict.fromkeys(unit for task in tasks for unit in task)
    with _pool(request, jobs) as pool:
        pending = {pool.submit(_count_in_worker, task): task for task in tasks}
        while pending:
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                task = pending.pop(future)
                with contextlib.suppress(BrokenProcessPool):
                    counts = future.result()
                    for unit, counted in counts.items():
                        del left[unit]
                        yield unit, counted
                    for unit in (unit for unit in task if unit not in counts):
                        pending[pool.submit(_count_in_worker, (unit,))] = (unit,)
    for unit in left:
        with _pool(request, 1) as pool:
            try:
                yield from pool.submit(_count_in_worker, (unit,)).result().items()
            except BrokenProcessPool:
                yield unit, failed("the process that counted it ended, perhaps out of memory")


def _pool(request: SweepRequest, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (request, os.getpid()))


_WORKER: dict[str, SweepPlan] = {}


def _start_worker(request: SweepRequest, parent: int) -> None:
    """Plan the same sweep in another process, which ends when its parent does."""
    from flopbench.registry.catalog import build_catalog
    from flopbench.registry.loading import load_plugins

    quiet()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _WORKER["plan"] = plan_sweep(build_catalog(load_plugins(request.plugins)), request)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _count_in_worker(task: Task) -> dict[Unit, UnitCount]:
    return count_task(_WORKER["plan"], task)
