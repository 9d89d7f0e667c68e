"""What a row says of a model at the workload: parameters, bytes, FLOPs, and bounds on a GPU."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import evolve

from flopbench.analytic import Stage
from flopbench.analytic.price import StagePrice, total_price
from flopbench.analytic.price import pricing as describe
from flopbench.boundary import calling
from flopbench.formulas.parameters import parameters_of
from flopbench.ops import expanded
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog
from flopbench.report import Report
from flopbench.vendor import VendorCounter
from flopbench.vendor.checked import checked_counter

WORKLOAD = ("batch_size", "context_tokens", "decode_steps")
"""What rows say of the workload."""

_ALL = Stage("all", "All")

Sizes = Mapping[str, int | None]


def workload_of(plan: Plan) -> dict[str, int | None]:
    """Return sequences, tokens of each, and decode steps; None for what a model does not have."""
    found = {**plan.config["workload"], **plan.model.workload_facts(plan.workload)}
    sizes = {name: found.get(name) for name in WORKLOAD}
    return {name: size if type(size) is int else None for name, size in sizes.items()}


def tokens_of(plan: Plan, stage: Stage, sizes: Sizes) -> int | None:
    """Return the tokens that a stage reads or makes, over all sequences; None for other stages."""
    batch = sizes["batch_size"]
    if stage.name == plan.model.per_token:
        each = sizes["decode_steps"]
    else:
        each = sizes["context_tokens"] if stage.name == _prefill(plan) else None
    return None if batch is None or each is None else batch * each


def _prefill(plan: Plan) -> str | None:
    """Return the stage that reads the tokens: the last one before the first output token."""
    return plan.model.first_token[-1] if plan.model.first_token else None


def per_token(amount: int | None, tokens: int | None) -> float | None:
    """Return an amount over tokens; None if either is unknown, or there are none."""
    return amount / tokens if amount is not None and tokens else None


def priced(plan: Plan) -> dict[str, StagePrice]:
    """Price the stages that are no sums, with eager attention; none without closed forms.

    Raises:
        PluginError: the model raises.
    """
    if not plan.modes:
        return {}
    stages = (stage.name for stage in plan.base_stages)
    return {s: plan.pricer.stage(plan.model, s, plan.workload, plan.eager) for s in stages}


def counter_of(plan: Plan, catalog: Catalog) -> VendorCounter:
    """Return the counter whose FLOPs a row has: the plan's, or the one that it would have."""
    if plan.counters:
        return plan.counters[0]
    run = plan.config["run"]
    found = checked_counter(catalog.counters.get(run["counters"][0])())
    return found if run["own_formulas"] else found.without_own_formulas()


def seen_flops(found: StagePrice, counter: VendorCounter) -> int:
    """Return the matrix work of a stage that a counter sees, with eager attention."""
    return int(sum(flops for _, flops in found.seen(counter.convention.sees)))


def held(plan: Plan, prices: Mapping[str, StagePrice], sizes: Sizes) -> dict[str, Any]:
    """Return parameters, and bytes of weights and of the KV cache after the prefill.

    Raises:
        PluginError: the model raises.
    """
    if not prices:
        return {}
    whole = total_price(evolve(_ALL, parts=tuple(prices)), prices)
    stage = next((each for each in plan.base_stages if each.name == _prefill(plan)), None)
    cache = tokens = None
    if stage is not None:
        cache = int(prices[stage.name].footprint.kv_cache_bytes)
        tokens = tokens_of(plan, stage, sizes)
    return {
        **_parameters(plan),
        "weight_bytes": int(whole.footprint.total_weight_bytes),
        "kv_cache_bytes": cache,
        "kv_bytes_per_token": per_token(cache, tokens),
    }


def _parameters(plan: Plan) -> dict[str, int]:
    """Return all parameters, and those that a token uses, of the stages up to the first token."""
    model = plan.model
    names = [stage.name for stage in plan.base_stages]
    first = [name for name in model.first_token if name in names] or names[:1]
    found = []
    for name in first:
        with calling(describe(model, name)):
            found.append(parameters_of(tuple(expanded(model.ops(name, plan.workload)))))
    return {
        "parameters": sum(each.all for each in found),
        "active_parameters": sum(each.active for each in found),
    }


def deployed(plan: Plan, report: Report) -> tuple[dict[str, Any] | None, dict[str, float]]:
    """Return what a GPU makes of it, and the bound of each stage in milliseconds.

    Both are those of the attention mode with the lowest bound.

    Args:
        report: of a run with the GPU.
    """
    if report.deployment is None:
        return None, {}
    names = {stage.name for stage in plan.base_stages}
    times: dict[str, dict[str, float]] = {}
    for series in report.series:
        if series.bound is not None and series.stage in names:
            times.setdefault(series.attention, {})[series.stage] = series.bound["bound_ms"]
    mode = min(times, key=lambda name: sum(times[name].values()))
    fit = _of_mode(report.deployment.fit, mode)
    found = {
        "gpu": report.deployment.gpu["name"],
        "attention": mode,
        "fits": fit.get("fits"),
        "needed_bytes": fit.get("needed_bytes"),
        "tokens_per_s": _of_mode(report.deployment.speeds, mode).get("tokens_per_s"),
    }
    return found, times[mode]


def _of_mode(entries: Collection[Mapping[str, Any]], mode: str) -> Mapping[str, Any]:
    return next((each for each in entries if each["attention"] == mode), {})
