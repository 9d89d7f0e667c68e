"""What targets in time ask of a machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.analytic.price import StagePrice
from flopbench.plan import Plan
from flopbench.plan.targets import Targets, rates
from flopbench.report import Required


def required(
    plan: Plan, prices: Mapping[str, Mapping[str, StagePrice]], targets: Targets
) -> Iterator[Required]:
    """Yield the rates that reach each target, in each attention mode.

    Args:
        prices: by attention mode and stage; a target's stages that are not reported are priced.
    """
    for deadline in targets.deadlines(plan.model, plan.workload):
        for mode in plan.modes:
            known = prices[mode.name]
            priced = [
                known.get(s) or plan.pricer.stage(plan.model, s, plan.workload, mode)
                for s in deadline.stages
            ]
            flops = int(sum(p.cost.flops for p in priced))
            moved = sum(p.cost.bytes_moved for p in priced)
            yield Required(
                target=deadline.target,
                target_s=deadline.target_s,
                stages=deadline.stages,
                seconds=deadline.seconds,
                attention=mode.name,
                **rates(flops, moved, deadline.seconds),
            )
