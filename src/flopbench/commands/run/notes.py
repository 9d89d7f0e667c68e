"""What a reader must know of a run's numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.analytic import AttentionMode
from flopbench.analytic.price import StagePrice
from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.plan.config import structure
from flopbench.tally import sums
from flopbench.vendor.attribution import Attributed, Failed


def notes(
    plan: Plan,
    prices: Mapping[str, Mapping[str, StagePrice]],
    counts: Mapping[str, Mapping[str, Attributed | Failed]],
) -> tuple[str, ...]:
    """Return the notes of the model, of the workload and of the vendor, each once.

    Args:
        prices: by attention mode and stage.
        counts: by counter and stage.
    """
    found = dict.fromkeys(plan.model.notes())
    for mode in plan.modes[:1]:
        found |= dict.fromkeys(_head_on_every_position(plan, mode, prices[mode.name]))
    return tuple(found | dict.fromkeys(_of_vendor(plan, counts)))


def _of_vendor(
    plan: Plan, counts: Mapping[str, Mapping[str, Attributed | Failed]]
) -> Iterator[str]:
    for counter, vendor in plan.vendor_strategies:
        if not counter.convention.comparable:
            continue
        for stage, counted in counts[counter.name].items():
            if isinstance(counted, Attributed):
                flops = sums((entry.component, entry.flops) for entry in counted.entries)
                yield from vendor.notes(stage, plan.workload, flops)


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
