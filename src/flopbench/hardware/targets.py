"""A target for a time, such as that of the first token, beside what a GPU can do at best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

if TYPE_CHECKING:
    from flopbench.hardware.times import StageTimes

TITLES = {"ttft": "first token", "tpot": "output token"}
"""What people call the targets."""


@frozen(kw_only=True)
class Reach:
    """What a target asks of a GPU.

    Attributes:
        what: the target, such as ``first token``.
        gpu: the title of the GPU.
        seconds: the target.
        compute_share: the share of the GPU's peaks at which the tensor FLOPs take as long.
        memory_share: the share of its bandwidth at which the bytes do, all of them through memory.
        floor_s: the least that the work can take.
    """

    what: str
    gpu: str
    seconds: float
    compute_share: float
    memory_share: float
    floor_s: float

    @property
    def possible(self) -> bool:
        """Whether the floor leaves it possible."""
        return self.floor_s <= self.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and whether it is possible."""
        return {**asdict(self), "possible": self.possible}

    def text(self) -> str:
        """Return the line."""
        shares = (
            f"tensor FLOPs at {100 * self.compute_share:.3g} % of the peak, bytes at "
            f"{100 * self.memory_share:.3g} % of the bandwidth of {self.gpu}"
        )
        line = f"{self.what} in {self.seconds:.4g} s: {shares}"
        return line if self.possible else f"{line}; nothing can: the floor is {self.floor_s:.4g} s"


def reach(what: str, seconds: float, times: StageTimes, gpu: str, *, runs: int = 1) -> Reach:
    """Return what a target asks of a GPU.

    Args:
        times: of all work within the target, times ``runs``.
        gpu: its title.
        runs: how often the target is met one after the other: the steps of decoding, say.
    """
    within = 1000 * seconds * runs
    return Reach(
        what=what,
        gpu=gpu,
        seconds=seconds,
        compute_share=times.bound.compute_ms / within,
        memory_share=times.bound.memory_ms / within,
        floor_s=times.floor.ms / 1000 / runs,
    )
