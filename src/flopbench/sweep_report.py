"""What a sweep found, as plain data: the form of ``sweep.json`` (docs/sweep-schema.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from flopbench.evaluate import Costs
from flopbench.sweep_plan import SweepPlan
from flopbench.vendor_series import Counted

SWEEP_SCHEMA_VERSION = "1.0"
TERA, GIGA = 10**12, 10**9


@frozen(kw_only=True)
class Targets:
    """Seconds to the first token, and per output token; None for no target."""

    ttft: float | None = None
    tpot: float | None = None


def sweep_report(
    plan: SweepPlan,
    costs: Sequence[Costs],
    counts: Sequence[Mapping[str, Counted]],
    targets: Targets,
    jobs_versions: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the JSON form of a sweep."""
    workload = plan.base.config["workload"]
    return {
        "schema_version": SWEEP_SCHEMA_VERSION,
        "model": plan.base.model.name,
        "sweep": plan.name,
        "description": plan.description,
        "batch_size": workload.get("batch_size"),
        "decode_steps": workload.get("decode_steps"),
        "num_points": len(plan.points),
        "x": plan.x,
        "stages": [{"name": s.name, "title": s.title} for s in plan.stages],
        "modes": {
            mode.name: plot_label(mode.series_label(), mode.name) for mode in plan.base.modes
        },
        "vendor_counter": plan.base.counters[0].name if plan.base.counters else None,
        "dtype": plan.base.model.dtype,
        "ttft_s": targets.ttft,
        "tpot_s": targets.tpot,
        **jobs_versions,
        "points": [
            _point(plan, index, costs[index], counts[index], targets)
            for index in range(len(plan.points))
        ],
    }


def plot_label(label: str, name: str) -> str:
    """Return the label of plots: ``analytic (eager, full)`` for ``analytic eager (full)``."""
    prefix, suffix = f"analytic {name} (", ")"
    if label.startswith(prefix) and label.endswith(suffix):
        return f"analytic ({name}, {label[len(prefix) : -1]})"
    return label


def _point(
    plan: SweepPlan,
    index: int,
    costs: Costs,
    counts: Mapping[str, Counted],
    targets: Targets,
) -> dict[str, Any]:
    point: dict[str, Any] = {"label": plan.points[index].label, **plan.facts[index]}
    for stage in plan.stages:
        point[stage.name] = _stage(plan, stage.name, costs, counts.get(stage.name))
    required = _required(plan, index, costs, targets)
    if required:
        point["required"] = required
    return point


def _stage(plan: SweepPlan, stage: str, costs: Costs, counted: Counted | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mode in plan.base.modes:
        flops = int(costs[mode.name, stage]["costs"]["flops"])
        found[f"analytic_{mode.name}_tflops"] = flops / TERA
        found[f"analytic_{mode.name}_flops"] = flops
    if "analytic_eager_tflops" in found:
        found["analytic_tflops"] = found["analytic_eager_tflops"]
    vendor = counted.flops if counted else None
    found["vendor_tflops"] = None if vendor is None else vendor / TERA
    found["vendor_flops"] = vendor
    found["vendor_error"] = counted.error if counted else None
    matching = [m.name for m in plan.base.modes if m.matches_vendor]
    found["difference"] = None
    if vendor is not None and matching:
        visible = int(costs[matching[0], stage]["costs"]["torch_visible_flops"])
        found["difference"] = visible - vendor
    found["cost"] = {m.name: _cost(costs[m.name, stage]) for m in plan.base.modes}
    return found


def _cost(priced: Mapping[str, Any]) -> dict[str, Any]:
    costs = dict(priced["costs"])
    moved = costs["expected_bytes_moved"]
    costs["flops_per_byte"] = costs["flops"] / moved if moved else None
    costs["parts_flops"] = dict(priced["parts"])
    return costs


def _required(plan: SweepPlan, index: int, costs: Costs, targets: Targets) -> dict[str, Any]:
    """Return the sustained rates that reach the targets, per strategy.

    To the first token, all work of its stages in the time; per output token, the mean over
    the decode steps, each of which makes one token of every sequence.
    """
    model, found = plan.base.model, {}
    if targets.ttft is not None and model.first_token:
        found["ttft"] = {
            mode.name: _rates(costs, mode.name, model.first_token, targets.ttft)
            for mode in plan.base.modes
        }
    if targets.tpot is not None and model.per_token is not None:
        steps = int(getattr(plan.workloads[index], "decode_steps", 1))
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
