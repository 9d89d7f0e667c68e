"""What a training step keeps in memory: by the closed forms, and by the real program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import pricing
from flopbench.analytic.step_memory import step_memory
from flopbench.analytic.trained import TrainedModel
from flopbench.boundary import calling
from flopbench.errors import CountError
from flopbench.plan import Plan
from flopbench.tally import sums
from flopbench.training_step import STAGE_OF, TRAIN, Phase
from flopbench.vendor import VendorCounter
from flopbench.vendor.attribution import Attributed, Failed
from flopbench.vendor.checked import CheckedVendor

OUTSIDE = "loss"
"""Where a program keeps what it keeps outside of all modules: in its loss."""


def memory(plan: Plan, stage: Stage, mode: AttentionMode) -> Mapping[str, Any] | None:
    """Return what a training step keeps in an attention mode; None of any other stage.

    Raises:
        PluginError: the model or the mode raises.
    """
    if stage.name != TRAIN or not isinstance(plan.model.plugin, TrainedModel):
        return None
    return step(plan, plan.workload, mode)


def step(plan: Plan, workload: Any, mode: AttentionMode) -> dict[str, Any]:
    """Return what a training step of a plan's model keeps with a workload.

    Raises:
        PluginError: the model or the mode raises.
    """
    model = cast("TrainedModel", plan.model.plugin)
    with calling(f"{pricing(model, TRAIN, mode)} in memory"):
        return step_memory(model, workload, plan.pricer, mode).to_dict()


def autograd_keeps(
    plan: Plan,
    stage: Stage,
    vendor: CheckedVendor,
    counter: VendorCounter,
    counted: Attributed | Failed,
) -> Mapping[str, Any] | None:
    """Return the activations that the real program keeps for the backward; None of other stages.

    Counters that do not tell the passes apart do not tell this, either.
    """
    if stage.name != TRAIN or not counter.tells_phases or isinstance(counted, Failed):
        return None
    try:
        found = _kept(plan, vendor, counter)
    except CountError as error:
        return {"saved_bytes": None, "saved": {}, "error": str(error)}
    return {"saved_bytes": sum(found.values()), "saved": found, "error": None}


def _kept(plan: Plan, vendor: CheckedVendor, counter: VendorCounter) -> dict[str, int]:
    """Return bytes by component, in all calls of the forward."""
    calls = vendor.stage(STAGE_OF[Phase.FORWARD], plan.workload)
    times = calls.times or (1,) * int(calls.steps)
    return sums(
        (vendor.component(module) if module else OUTSIDE, size * count)
        for step, count in enumerate(times, start=1)
        for module, size in counter.saved(calls.prepare(step)).by_module.items()
    )
