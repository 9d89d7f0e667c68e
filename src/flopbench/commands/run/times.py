"""Bounds on the times of a run's stages, in each attention mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import StagePrice
from flopbench.builtin.flash import FlashAttention
from flopbench.commands.run.priced import price_stages
from flopbench.hardware import Machine
from flopbench.hardware.bounds import component_bounds
from flopbench.hardware.times import StageTimes
from flopbench.ops import Attention
from flopbench.plan import Plan


class Needed(FlashAttention):
    """The attention work that no program can leave out: unmasked pairs, for any attention."""

    name = "needed"
    version = "any kernel"

    def unsupported(self, op: Attention) -> str | None:
        return None


def run_times(
    plan: Plan, machine: Machine, prices: Mapping[str, Mapping[str, StagePrice]]
) -> Mapping[str, Mapping[str, StageTimes]]:
    """Return the times by attention mode and stage: those reported, and the parts of sums.

    Args:
        prices: by attention mode and stage that is not composed.

    Raises:
        UsageError: the GPU has no peak for the dtype of a product.
    """
    needed = price_stages(plan, [Needed()])[Needed.name]
    found: dict[str, Mapping[str, StageTimes]] = {}
    for mode, by_stage in prices.items():
        times = {
            name: StageTimes.of(priced, machine, needed[name]) for name, priced in by_stage.items()
        }
        sums = {stage.name: total_times(stage, times) for stage in plan.stages if stage.parts}
        found[mode] = times | sums
    return found


def total_times(stage: Stage, times: Mapping[str, StageTimes]) -> StageTimes:
    """Return a stage's times; a composed stage's are the sum of its parts'."""
    first, *more = (times[name] for name in stage.base_names)
    return sum(more, first)


def stage_bound(
    plan: Plan, machine: Machine, stage: Stage, mode: AttentionMode, workload: Any
) -> float:
    """Price a stage of another workload, and return its bound in milliseconds.

    Raises:
        UsageError: as of `run_times`.
    """
    priced = (plan.pricer.stage(plan.model, name, workload, mode) for name in stage.base_names)
    bounds = (component_bounds(each, machine).values() for each in priced)
    return sum(bound.ms for each in bounds for bound in each)
