"""Carry out a sweep: price all points at once, count the vendor, compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from flopbench.commands.sweep.counted import Counted
from flopbench.commands.sweep.entries import entries_of, is_entry, known
from flopbench.commands.sweep.plan import SweepPlan, settings_of
from flopbench.commands.sweep.pool import vendor_counts
from flopbench.commands.sweep.report import sweep_report
from flopbench.commands.sweep.request import SweepRequest
from flopbench.commands.sweep.table import Table
from flopbench.commands.sweep.units import Counts, Unit, UnitCount, units
from flopbench.commands.sweep.verdict import Verdict
from flopbench.digests import source_digest
from flopbench.executors import HERE, Where
from flopbench.plan.targets import Targets
from flopbench.plan.training import untrained
from flopbench.progress import SweepProgress
from flopbench.registry.catalog import Catalog
from flopbench.resume.journal import Journal, fingerprint
from flopbench.version import __version__


@frozen
class Finished:
    """A sweep that was carried out.

    Attributes:
        report: its JSON form, whose points are a `Table`.
        verdict: of all points.
        close: to be called once the report is on disk.
    """

    report: dict[str, Any]
    verdict: Verdict
    close: Callable[[], None]


def run_sweep(
    plan: SweepPlan,
    request: SweepRequest,
    catalog: Catalog,
    *,
    out: Path | None = None,
    where: Where = HERE,
    targets: Targets | None = None,
    progress: SweepProgress | None = None,
) -> Finished:
    """Carry out a sweep.

    Args:
        out: the folder that keeps finished counts, so that a killed sweep can resume.
        where: the processes that count.

    Raises:
        PluginError: the model or an attention mode raises.
        UsageError: what the vendor side needs is not installed, or the folder is in use.
        SchedulerLostError: the Dask scheduler is gone; finished counts are kept.
    """
    targets = targets or Targets()
    provenance = _provenance(plan, catalog)
    todo = units(plan)
    # What cannot be priced is said before the vendor, which takes longer, is counted.
    nothing = Table(plan, Counted(len(plan.points), {}), targets)
    for _ in nothing.chunks() if todo else nothing.sampled([0]):
        pass
    journal = None
    if out is not None and todo:
        settings = fingerprint("sweep", _settings(plan, provenance))
        journal = Journal(out, "sweep", settings, is_entry)
    counting = partial(vendor_counts, plan, request, where=where)
    counts = _count(plan, counting, todo, journal, progress or SweepProgress())
    counted = Counted(len(plan.points), {unit: counts[unit] for unit in todo})
    report = sweep_report(plan, counted, targets, provenance)

    def close() -> None:
        if journal:
            journal.close(finished=all(c.error is None for c in counts.values()))

    return Finished(report, Verdict.of(report), close)


def _count(
    plan: SweepPlan,
    counting: Callable[[list[Unit]], Iterable[Counts]],
    todo: list[Unit],
    journal: Journal | None,
    progress: SweepProgress,
) -> Mapping[Unit, UnitCount]:
    """Count what the journal does not have, and write it there; retry what failed."""
    counts = known(plan, todo, journal.entries) if journal else {}
    progress.start(len(todo), len(counts))
    left = [unit for unit in todo if unit not in counts]
    for found in counting(left):
        counts |= found.by_unit
        if journal:
            journal.add_all(entries_of(found))
        for unit in found.by_unit:
            progress.counted(f"{unit.stage} of {plan.points[unit.points[0]].label}")
    return counts


def _provenance(plan: SweepPlan, catalog: Catalog) -> dict[str, Any]:
    base = plan.base
    return {
        "versions": {"flopbench": __version__, **catalog.versions},
        "vendor": base.vendor.provenance() if base.vendor else {},
        "counters": {counter.name: counter.provenance() for counter in base.counters},
        "config": dict(base.config),
    }


def _settings(plan: SweepPlan, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that the counts depend on, by the names that an error message uses."""
    base = plan.base
    strategies = (
        *untrained(base.model.plugin),
        *untrained(base.vendor and base.vendor.plugin),
        *(counter.plugin for counter in base.counters),
    )
    return {
        "versions": [provenance[name] for name in ("versions", "vendor", "counters")],
        "model": [
            base.model.name,
            [(run.config.get("model"), run.model.architecture) for run, _ in plan.by_plan],
        ],
        "workload": provenance["config"].get("workload"),
        "vendor": settings_of(plan, "vendor"),
        "train": settings_of(plan, "train"),
        "method": base.method,
        "own formulas": base.config["run"]["own_formulas"],
        "points": plan.points.identity(),
        "stages": [stage.name for stage in plan.stages],
        "code": [source_digest(type(strategy)) for strategy in strategies],
    }
