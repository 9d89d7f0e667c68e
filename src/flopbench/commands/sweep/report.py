"""What a sweep found, as plain data: the form of ``sweep.json`` (docs/sweep-schema.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from flopbench.analytic import Stage
from flopbench.analytic.attention import plot_label
from flopbench.analytic.price import Fallback
from flopbench.analytic.price_many import Costs, Evaluator, with_intensity
from flopbench.commands.sweep.plan import SweepPlan
from flopbench.commands.sweep.units import UnitCount, some
from flopbench.plan.config import unused_keys
from flopbench.plan.targets import TERA, Deadline, Rates, Targets, rates
from flopbench.vendor.method import Method
from flopbench.vendor.own import OwnFormula

SWEEP_SCHEMA_VERSION = "1.4"
VENDOR_METHODS = {Method.CONCRETE: "call", Method.SYMBOLIC: "law"}
"""How a vendor number was obtained, in the words of ``sweep.json``: by calls, or by any law."""


def sweep_report(
    plan: SweepPlan,
    costs: Sequence[Costs],
    counts: Sequence[Mapping[str, UnitCount]],
    targets: Targets,
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the JSON form of a sweep.

    Args:
        provenance: versions, vendor, counters and configuration.
    """
    vendor = next((v for _, v in plan.base.vendor_strategies), None)
    own = _own_formulas(plan, counts)
    return {
        "schema_version": SWEEP_SCHEMA_VERSION,
        "model": plan.base.model.name,
        "sweep": plan.name,
        "description": plan.description,
        "batch_size": _common(plan, "batch_size"),
        "decode_steps": _common(plan, "decode_steps"),
        "num_points": len(plan.points),
        "x": plan.x,
        "size": plan.size,
        "stages": [{"name": s.name, "title": s.title} for s in plan.stages],
        "modes": {
            mode.name: plot_label(mode.series_label(), mode.name) for mode in plan.base.modes
        },
        "compared": [mode.name for mode in plan.base.modes if mode.matches_vendor],
        "fallbacks": _fallbacks(plan),
        "notes": [*_notes(plan), *map(str, own)],
        "own_formulas": [attrs.asdict(formula) for formula in own],
        "vendor_attention": vendor.attention if vendor else None,
        "vendor_counter": plan.base.counters[0].name if plan.base.counters else None,
        "dtype": _one({p.model.dtype for p in plan.plans}),
        "ttft_s": targets.ttft,
        "tpot_s": targets.tpot,
        **provenance,
        "points": [
            _point(plan, index, costs[index], counts[index], targets)
            for index in range(len(plan.points))
        ],
    }


def _one(values: set[str]) -> str | None:
    """Return the only value, or None if there are several."""
    return next(iter(values)) if len(values) == 1 else None


def _notes(plan: SweepPlan) -> list[str]:
    """Return the notes of all runs and of all workloads, each once."""
    runs = {id(run): run for run in plan.plans}
    found = dict.fromkeys(note for run in runs.values() for note in run.notes)
    for run, workload in zip(plan.plans, plan.workloads, strict=True):
        found |= dict.fromkeys(run.model.notes_of(workload))
    return list(found)


def _own_formulas(
    plan: SweepPlan, counts: Sequence[Mapping[str, UnitCount]]
) -> tuple[OwnFormula, ...]:
    """Return the counter's own formulas that gave some of its numbers."""
    ops = {op for by_stage in counts for counted in by_stage.values() for op in counted.own_ops}
    return plan.base.counters[0].own_formulas_of(ops) if ops else ()


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


def _common(plan: SweepPlan, key: str) -> Any:
    """Return a key's value at all points; None if it is varied, or if they do not use it."""
    values = [None if key in unused_keys(i) else getattr(i, key, None) for i in plan.inputs]
    return values[0] if all(value == values[0] for value in values) else None


def priced_stages(plan: SweepPlan, targets: Targets) -> set[str]:
    """Return the stages whose costs a report needs: those reported, their parts, and a target's."""
    needed = {name for stage in plan.stages for name in (stage.name, *stage.parts)}
    return needed | targets.stages(plan.base.model)


def _point(
    plan: SweepPlan,
    index: int,
    costs: Costs,
    counts: Mapping[str, UnitCount],
    targets: Targets,
) -> dict[str, Any]:
    point: dict[str, Any] = {"label": plan.points[index].label, **plan.facts[index]}
    for stage in plan.stages:
        point[stage.name] = _stage(plan, stage, costs, counts)
    required = _required(plan, index, costs, targets)
    if required:
        point["required"] = required
    return point


def _stage(
    plan: SweepPlan, stage: Stage, costs: Costs, counts: Mapping[str, UnitCount]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mode in plan.base.modes:
        flops = int(costs[mode.name, stage.name]["costs"]["flops"])
        found[f"analytic_{mode.name}_tflops"] = flops / TERA
        found[f"analytic_{mode.name}_flops"] = flops
    if "analytic_eager_tflops" in found:
        found["analytic_tflops"] = found["analytic_eager_tflops"]
    counted = some(counts[stage.name]) if stage.name in counts else None
    vendor = counted.flops if counted else None
    found["vendor_tflops"] = None if vendor is None else vendor / TERA
    found["vendor_flops"] = vendor
    found["vendor_method"] = VENDOR_METHODS[counted.method] if counted and counted.method else None
    found["vendor_error"] = counted.error if counted else None
    found |= _difference(plan, stage, costs, counts)
    found["cost"] = {m.name: _cost(costs[m.name, stage.name]) for m in plan.base.modes}
    return found


def _difference(
    plan: SweepPlan, stage: Stage, costs: Costs, counts: Mapping[str, UnitCount]
) -> dict[str, Any]:
    """Compare a stage with its count, component by component, in each of its parts.

    Errors of two components, or of two parts that share one, may cancel in the sum.
    """
    matching = [mode.name for mode in plan.base.modes if mode.matches_vendor]
    total, wrong = 0, dict[str, None]()
    for part in stage.base_names:
        counted = counts[part].by_component if part in counts else None
        if counted is None or not matching:
            return {"difference": None, "components_differ": None}
        seen = costs[matching[0], part]["seen"]
        for name in dict.fromkeys((*seen, *counted)):
            difference = int(seen.get(name, 0)) - counted.get(name, 0)
            total += difference
            if difference:
                wrong[name] = None
    if not any(sum((counts[part].by_component or {}).values()) for part in stage.base_names):
        return {"difference": None, "components_differ": None}
    return {"difference": total, "components_differ": list(wrong)}


def _cost(priced: Mapping[str, Any]) -> dict[str, Any]:
    return with_intensity(priced["costs"], priced["parts"])


def _required(plan: SweepPlan, index: int, costs: Costs, targets: Targets) -> dict[str, Any]:
    """Return the sustained rates that reach the targets, per strategy."""
    return {
        each.target: {mode.name: _rates(costs, mode.name, each) for mode in plan.base.modes}
        for each in targets.deadlines(plan.base.model, plan.workloads[index])
    }


def _rates(costs: Costs, mode: str, deadline: Deadline) -> Rates:
    found = [costs[mode, stage]["costs"] for stage in deadline.stages]
    flops, moved = (sum(c[name] for c in found) for name in ("flops", "expected_bytes_moved"))
    return rates(flops, moved, deadline.seconds)
