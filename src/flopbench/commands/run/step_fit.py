"""Will a training step fit: what it keeps at its peak, against a GPU's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from flopbench.analytic import AttentionMode
from flopbench.analytic.step_memory import where
from flopbench.commands.run.memory import step
from flopbench.commands.run.other_sizes import largest, varies, with_size
from flopbench.hardware import Gpu
from flopbench.plan import Plan
from flopbench.text import si
from flopbench.training_step import TRAINING

_BATCH = "batch_size"


@frozen(kw_only=True)
class StepFit:
    """Whether a training step fits into a GPU's memory.

    Gradients of activations, an allocator's rounding and kernels' workspaces come on top.

    Attributes:
        attention: the mode whose activations these are.
        memory_bytes: what the GPU has.
        peak_bytes: what the step keeps at its peak.
        peak: where that is, in words.
        largest_batch: the largest ``workload.batch_size`` that fits; 0 if none does; None if the
            workload has none, or nothing limits it.
    """

    attention: str
    gpu: str
    memory_bytes: int
    peak_bytes: int
    peak: str
    largest_batch: int | None = None

    @property
    def fits(self) -> bool:
        """Whether the GPU has as much memory."""
        return self.peak_bytes <= self.memory_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, the answer, and the line."""
        return {"fits": self.fits, **asdict(self), "text": self.text()}

    def text(self) -> str:
        """Return the answer as a line, with the figures that it rests on."""
        peak, memory = si(self.peak_bytes, "B"), si(self.memory_bytes, "B")
        said = (
            f"a training step fits: {peak} of {memory} on {self.gpu}, {self.peak}"
            if self.fits
            else f"a training step does not fit: it needs {peak} {self.peak}, and {self.gpu} has "
            f"{memory}"
        )
        most = self.largest_batch
        return said if most is None else f"{said}; largest batch that fits: {most:,}"


def step_fit(plan: Plan, gpu: Gpu, mode: AttentionMode) -> StepFit | None:
    """Return whether a training step fits; None if none is reported, or memory is unknown.

    Raises:
        PluginError: the model or the mode raises.
    """
    memory = gpu.memory_bytes
    if memory is None or not any(stage.name in TRAINING for stage in plan.stages):
        return None
    now = step(plan, plan.workload, mode)
    return StepFit(
        attention=mode.name,
        gpu=gpu.title,
        memory_bytes=memory,
        peak_bytes=now["peak_bytes"],
        peak=where(now),
        largest_batch=_largest_batch(plan, memory, mode),
    )


def _largest_batch(plan: Plan, memory: int, mode: AttentionMode) -> int | None:
    if not varies(plan, _BATCH):
        return None

    def holds(size: int) -> bool:
        workload = with_size(plan, _BATCH, size)
        if workload is None:
            return False
        found: Mapping[str, Any] = step(plan, workload, mode)
        return bool(found["peak_bytes"] <= memory)

    return largest(holds)
