"""Sentences about a run that its numbers alone do not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.analytic import AttentionMode
from flopbench.analytic.price import StagePrice
from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.plan.config import structure


def notes(plan: Plan, prices: Mapping[str, Mapping[str, StagePrice]]) -> Iterator[str]:
    """Yield what to know about a run, one sentence each.

    Args:
        prices: by attention mode and stage.
    """
    for mode in plan.modes[:1]:
        yield from _head_on_every_position(plan, mode, prices[mode.name])


def _head_on_every_position(
    plan: Plan, mode: AttentionMode, prices: Mapping[str, StagePrice]
) -> Iterator[str]:
    """Say what the LM head costs on positions whose logits generation does not need."""
    inputs = plan.config["workload"]
    if inputs.get("lm_head") != "all":
        return
    try:
        least = structure("workload", {**inputs, "lm_head": "last"}, plan.model.inputs_type)
    except UsageError:  # a plugin may mean something else by this key
        return
    workload = plan.model.workload(least)
    for stage in plan.base_stages:
        every = prices[stage.name].cost.flops
        last = plan.pricer.stage(plan.model, stage.name, workload, mode).cost.flops
        if every > last:
            share = f"{100 * (every - last) / every:.2g} % of {stage.name}'s {mode.name} FLOPs"
            yield (
                f"the LM head on all but the last position is {share}; generation needs the last "
                "position only (workload.lm_head=last)"
            )
