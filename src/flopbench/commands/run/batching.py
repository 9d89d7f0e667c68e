"""How far the batch of a stage can grow at nearly no cost, by pricing other batches."""

from __future__ import annotations

from flopbench.analytic import AttentionMode, Stage
from flopbench.commands.run.other_sizes import largest, varies, with_size
from flopbench.commands.run.times import stage_bound
from flopbench.hardware import Machine
from flopbench.hardware.limits import NEARLY, FreeBatch
from flopbench.plan import Plan

KEY = "batch_size"


def free_batch(plan: Plan, machine: Machine, stage: Stage, mode: AttentionMode) -> FreeBatch | None:
    """Return how far the batch of a stage can grow; None if it cannot be 1, 2 or twice as large.

    Raises:
        UsageError: the GPU has no peak for the dtype of a product.
    """
    if not varies(plan, KEY):
        return None
    batch = int(plan.config["workload"][KEY])
    if with_size(plan, KEY, 2 * batch) is None:
        return None

    def ms(size: int) -> float:
        workload = with_size(plan, KEY, size)
        return (
            float("inf") if workload is None else stage_bound(plan, machine, stage, mode, workload)
        )

    now = ms(batch)
    if not now:
        return None
    return FreeBatch(
        batch=batch,
        largest=largest(lambda size: ms(size) < NEARLY * now, start=batch),
        doubled=ms(2 * batch) / now,
    )
