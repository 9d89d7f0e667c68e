"""A measured time beside the bounds: how much of the peak rates it used."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from flopbench.errors import UsageError
from flopbench.hardware.gpus import Gpu
from flopbench.hardware.times import StageTimes
from flopbench.text import milliseconds


@frozen
class Measured:
    """A time that a stage took, and what it used of the GPU.

    Attributes:
        ms: the time.
        mfu: model FLOPs utilisation: tensor FLOPs at peak, as a share of the time (PaLM,
            arXiv:2204.02311, appendix B).
        mbu: model bandwidth utilisation: the bytes of the floor (weights and KV cache, above all)
            at the bandwidth, as a share of the time.
        note: what is remarkable about it.
    """

    ms: float
    mfu: float
    mbu: float
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def measured(stage: str, ms: float, times: StageTimes, gpu: Gpu) -> Measured:
    """Compare a measured time with the bounds of a stage.

    Raises:
        UsageError: nothing can be as fast.
    """
    bound, floor = times.bound, times.floor
    took = milliseconds(ms)
    if ms < floor.ms:
        raise UsageError(
            f"{stage} cannot take less than {milliseconds(floor.ms)} ms on {gpu.title}, and "
            f"hardware.measured_ms.{stage} is {took}: this time or a setting is wrong"
        )
    note = None
    if ms < bound.ms:
        note = (
            f"{stage} took {took} ms, less than the bound of {milliseconds(bound.ms)} ms op by op: "
            "operations are fused, a cache keeps their results, or tokens share experts"
        )
    return Measured(ms, bound.compute_ms / ms, floor.memory_ms / ms, note)
