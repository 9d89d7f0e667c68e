"""What a sweep found, as plain data: the form of ``sweep.json`` (docs/sweep-schema.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.analytic.attention import plot_label
from flopbench.analytic.price import Fallback
from flopbench.analytic.price_many import Evaluator
from flopbench.commands.sweep.counted import Counted
from flopbench.commands.sweep.plan import SweepPlan
from flopbench.commands.sweep.table import Table
from flopbench.plan.targets import Targets
from flopbench.vendor.own import OwnFormula

SWEEP_SCHEMA_VERSION = "1.4"


def sweep_report(
    plan: SweepPlan, counted: Counted, targets: Targets, provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the JSON form of a sweep, whose points are a `Table`.

    Args:
        provenance: versions, vendor, counters and configuration.
    """
    vendor = next((v for _, v in plan.base.vendor_strategies), None)
    own = _own_formulas(plan, counted)
    return {
        "schema_version": SWEEP_SCHEMA_VERSION,
        "model": plan.base.model.name,
        "sweep": plan.name,
        "description": plan.description,
        "batch_size": plan.seen.common("batch_size"),
        "decode_steps": plan.seen.common("decode_steps"),
        "num_points": len(plan.points),
        "x": plan.x,
        "size": plan.size,
        "stages": [{"name": s.name, "title": s.title} for s in plan.stages],
        "modes": {
            mode.name: plot_label(mode.series_label(), mode.name) for mode in plan.base.modes
        },
        "compared": [mode.name for mode in plan.base.modes if mode.matches_vendor],
        "fallbacks": _fallbacks(plan),
        "notes": [*plan.seen.notes, *map(str, own)],
        "own_formulas": [attrs.asdict(formula) for formula in own],
        "vendor_attention": vendor.attention if vendor else None,
        "vendor_counter": plan.base.counters[0].name if plan.base.counters else None,
        "dtype": plan.seen.dtype,
        "ttft_s": targets.ttft,
        "tpot_s": targets.tpot,
        **provenance,
        "points": Table(plan, counted, targets),
    }


def _own_formulas(plan: SweepPlan, counted: Counted) -> tuple[OwnFormula, ...]:
    """Return the counter's own formulas that gave some of its numbers."""
    return plan.base.counters[0].own_formulas_of(counted.own_ops) if counted.own_ops else ()


def _fallbacks(plan: SweepPlan) -> list[dict[str, Any]]:
    """Return the fallbacks at the first point of each run, each once."""
    found: dict[tuple[str, Fallback], None] = {}
    for base, indices in plan.by_plan:
        evaluator = Evaluator(
            model=base.model,
            modes=base.modes,
            pricer=base.pricer,
            stages=[stage.name for stage in plan.stages],
        )
        found |= dict.fromkeys(evaluator.fallbacks(plan.workloads[indices[0]]))
    return [{"stage": stage, **attrs.asdict(fallback)} for stage, fallback in found]
