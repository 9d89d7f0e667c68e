"""The prices of a plan's stages, and the check that they are numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import Pricer, StagePrice, pricing
from flopbench.boundary import calling
from flopbench.plan import Plan

StagePrices = Mapping[str, StagePrice]


def price_stages(
    plan: Plan, modes: Iterable[AttentionMode], pricer: Pricer | None = None
) -> dict[str, StagePrices]:
    """Return the prices of the stages that are no sums, by attention mode and name.

    Args:
        pricer: prices under other conventions than the plan's.

    Raises:
        PluginError: the model or a mode raises, or the FLOPs of a run are no number.
    """
    modes, used = tuple(modes), pricer or plan.pricer
    found: dict[str, dict[str, StagePrice]] = {mode.name: {} for mode in modes}
    for stage in plan.base_stages:
        prices = used.in_modes(plan.model, stage.name, plan.workload, modes)
        for mode in modes:
            _require_number(plan, stage, mode, prices[mode.name])
            found[mode.name][stage.name] = prices[mode.name]
    return dict(found)


def _require_number(plan: Plan, stage: Stage, mode: AttentionMode, priced: StagePrice) -> None:
    with calling(pricing(plan.model, stage.name, mode)):
        if type(priced.cost.flops) is not int:
            raise TypeError(f"a run's FLOPs must be an int, got {priced.cost.flops}")
        for op, cost in priced.items:
            if cost.tensor_flops < 0 or cost.vector_flops < 0:
                kind, place = type(op).__name__, op.component
                raise ValueError(f"{kind} of {place} has {cost.flops} FLOPs, fewer than none")
