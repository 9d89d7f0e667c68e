"""What a sweep found, as plain data: the form of ``sweep.json`` (docs/sweep-schema.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic import Stage
from flopbench.analytic.attention import plot_label
from flopbench.analytic.price import Fallback
from flopbench.analytic.price_many import Costs, Evaluator
from flopbench.commands.sweep.plan import SweepPlan
from flopbench.commands.sweep.units import UnitCount
from flopbench.errors import PluginError, UsageError
from flopbench.vendor.method import Method

SWEEP_SCHEMA_VERSION = "1.1"
VENDOR_METHODS = {Method.CONCRETE: "call", Method.SYMBOLIC: "law"}
"""How a vendor number was obtained, in the words of ``sweep.json``: by calls, or by any law."""
TERA, GIGA = 10**12, 10**9


@frozen(kw_only=True)
class Targets:
    """Seconds to the first token, and per output token; None for no target."""

    ttft: float | None = None
    tpot: float | None = None


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
        "notes": _notes(plan),
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
    """Return the notes of all runs, each once."""
    runs = {id(run): run for run in plan.plans}
    return list(dict.fromkeys(note for run in runs.values() for note in run.notes))


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
    """Return a key's value at all points; None if it is varied."""
    values = [p.inputs.get(key, plan.base.config["workload"].get(key)) for p in plan.points]
    return values[0] if all(value == values[0] for value in values) else None


def check_targets(plan: SweepPlan, targets: Targets) -> None:
    """Refuse a target for which the model does not declare the stages.

    Raises:
        UsageError: the model declares no such stages.
        PluginError: its workloads do not say how many tokens they make.
    """
    model = plan.base.model
    if targets.ttft is not None and not model.first_token:
        raise UsageError(
            f"--ttft: model {model.name!r} does not say which stages make the first token"
        )
    if targets.tpot is not None:
        if model.per_token is None:
            raise UsageError(
                f"--tpot: model {model.name!r} does not say which stage makes the other tokens"
            )
        if not hasattr(plan.workloads[0], "decode_steps"):
            raise PluginError(
                f"model {model.name!r} has per_token, but its workload has no decode_steps"
            )


def priced_stages(plan: SweepPlan, targets: Targets) -> set[str]:
    """Return the stages whose costs a report needs: those reported, their parts, and a target's."""
    model = plan.base.model
    needed = {name for stage in plan.stages for name in (stage.name, *stage.parts)}
    if targets.ttft is not None:
        needed |= set(model.first_token)
    if targets.tpot is not None and model.per_token is not None:
        needed.add(model.per_token)
    return needed


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
    counted = counts.get(stage.name)
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
    return {"difference": total, "components_differ": list(wrong)}


def _cost(priced: Mapping[str, Any]) -> dict[str, Any]:
    costs = dict(priced["costs"])
    moved = costs["expected_bytes_moved"]
    costs["flops_per_byte"] = costs["flops"] / moved if moved else None
    costs["parts_flops"] = dict(priced["parts"])
    return costs


def _required(plan: SweepPlan, index: int, costs: Costs, targets: Targets) -> dict[str, Any]:
    """Return the sustained rates that reach the targets, per strategy.

    To the first token: all work of its stages within the target. Per output token: the mean over
    the decode steps, each of which makes one token of every sequence.
    """
    model, found = plan.base.model, {}
    if targets.ttft is not None and model.first_token:
        found["ttft"] = {
            mode.name: _rates(costs, mode.name, model.first_token, targets.ttft)
            for mode in plan.base.modes
        }
    if targets.tpot is not None and model.per_token is not None:
        steps = int(plan.workloads[index].decode_steps)
        found["tpot"] = {
            mode.name: _rates(costs, mode.name, (model.per_token,), targets.tpot * steps)
            for mode in plan.base.modes
        }
    return found


def _rates(costs: Costs, mode: str, stages: Sequence[str], seconds: float) -> dict[str, float]:
    flops = sum(costs[mode, stage]["costs"]["flops"] for stage in stages)
    moved = sum(costs[mode, stage]["costs"]["expected_bytes_moved"] for stage in stages)
    return {
        "tflops_per_s": flops / seconds / TERA,
        "gigabytes_per_s": moved / seconds / GIGA,
    }
