"""Carry out a sweep: price all points at once, count the vendor point by point, keep both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flopbench.analytic import SweepPoint
from flopbench.analytic.price_many import Costs, Evaluator
from flopbench.commands.sweep.entries import count_of, entry_of, is_entry
from flopbench.commands.sweep.plan import SweepPlan, SweepRequest
from flopbench.commands.sweep.pool import vendor_counts
from flopbench.commands.sweep.report import priced_stages, sweep_report
from flopbench.commands.sweep.units import Unit, UnitCount, at_points, units
from flopbench.digests import source_digest
from flopbench.executors import HERE, Where
from flopbench.plan.targets import Targets
from flopbench.plan.training import untrained
from flopbench.progress import SweepProgress
from flopbench.registry.catalog import Catalog
from flopbench.resume.journal import Journal, fingerprint
from flopbench.text import first_of
from flopbench.version import __version__


def run_sweep(
    plan: SweepPlan,
    request: SweepRequest,
    catalog: Catalog,
    *,
    out: Path | None = None,
    where: Where = HERE,
    targets: Targets | None = None,
    progress: SweepProgress | None = None,
) -> tuple[dict[str, Any], Callable[[], None]]:
    """Carry out a sweep; return its JSON form, and a function to call once that is on disk.

    Args:
        out: the folder that keeps finished counts, so that a killed sweep can resume.
        where: the processes that count.

    Raises:
        PluginError: the model or an attention mode raises.
        UsageError: what the vendor side needs is not installed, or the folder is in use.
        SchedulerLostError: the Dask scheduler is gone; finished counts are kept.
    """
    targets = targets or Targets()
    costs = _priced(plan, targets)
    provenance = _provenance(plan, catalog)
    todo = units(plan)
    journal = None
    if out is not None and todo:
        settings = fingerprint("sweep", _settings(plan, provenance))
        journal = Journal(out, "sweep", settings, is_entry)
    counting = partial(vendor_counts, plan, request, where=where)
    counts = _count(plan, counting, todo, journal, progress or SweepProgress())
    ordered = {unit: counts[unit] for unit in todo}
    report = sweep_report(plan, costs, at_points(plan, ordered), targets, provenance)

    def close() -> None:
        if journal:
            journal.close(finished=all(c.error is None for c in counts.values()))

    return report, close


def _priced(plan: SweepPlan, targets: Targets) -> list[Costs]:
    """Price the points of each run at once."""
    costs: list[Costs] = [{} for _ in plan.points]
    for base, indices in plan.by_plan:
        evaluator = Evaluator(
            model=base.model,
            modes=base.modes,
            pricer=base.pricer,
            stages=priced_stages(plan, targets),
            sees=base.counters[0].convention.sees if base.counters else frozenset[str](),
        )
        found = evaluator.points([plan.workloads[index] for index in indices])
        for index, each in zip(indices, found, strict=True):
            costs[index] = each
    return costs


def _count(
    plan: SweepPlan,
    counting: Callable[[list[Unit]], Iterable[tuple[Unit, UnitCount]]],
    todo: list[Unit],
    journal: Journal | None,
    progress: SweepProgress,
) -> Mapping[Unit, UnitCount]:
    """Count what the journal does not have, and write it there; retry what failed."""
    entries = journal.entries if journal else {}
    counts = {unit: counted for unit in todo if (counted := count_of(entries.get(unit.name)))}
    progress.start(len(todo), len(counts))
    left = [unit for unit in todo if unit not in counts]
    for unit, counted in counting(left):
        counts[unit] = counted
        if journal:
            journal.add(unit.name, entry_of(counted))
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
            [(p.config.get("model"), p.model.architecture) for p, _ in plan.by_plan],
        ],
        "workload": provenance["config"].get("workload"),
        "vendor": [p.config.get("vendor") for p, _ in plan.by_plan],
        "train": [p.config.get("train") for p, _ in plan.by_plan],
        "method": base.method,
        "own formulas": base.config["run"]["own_formulas"],
        "points": [(dict(point.inputs), dict(f)) for point, f in _points(plan)],
        "stages": [stage.name for stage in plan.stages],
        "code": [source_digest(type(strategy)) for strategy in strategies],
    }


def _points(plan: SweepPlan) -> Iterator[tuple[SweepPoint, Mapping[str, Any]]]:
    return zip(plan.points, plan.facts, strict=True)


def incomplete(report: Mapping[str, Any]) -> list[str]:
    """Name the points and stages that failed or differ."""
    return [
        f"{point['label']} {stage['name']}: {_problem(point[stage['name']])}"
        for point in report["points"]
        for stage in report["stages"]
        if _problem(point[stage["name"]])
    ]


def _problem(found: Mapping[str, Any]) -> str | None:
    if found["vendor_error"]:
        return str(found["vendor_error"])
    wrong = found["components_differ"]
    return f"differs in {first_of(wrong)}" if wrong else None
