"""Will it fit: weights, KV cache and peak activations of all stages against a GPU's memory."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from typing import Any

from attrs import asdict, frozen

from flopbench.analytic import AttentionMode
from flopbench.commands.run.other_sizes import largest, varies, with_size
from flopbench.hardware import Gpu
from flopbench.ops.footprint import Footprint
from flopbench.ops.tensors import LargestTensor, described
from flopbench.plan import Plan
from flopbench.text import si
from flopbench.training_step import TRAINING


@frozen(kw_only=True)
class Fit:
    """Whether a model with its workload fits into a GPU's memory.

    An allocator's rounding, kernels' workspaces and the driver's own memory come on top.

    Attributes:
        attention: the mode whose activations these are.
        memory_bytes: what the GPU has.
        weight_bytes: weights of all stages, each component's once.
        kv_cache_bytes: the largest of all stages, at their ends.
        peak_activation_bytes: the largest of all stages.
        largest_tensor: the largest tensor of all stages, in one piece and in its own dtype: the
            probabilities of eager attention are often in float32.
        largest_batch: the largest ``workload.batch_size`` that fits, prefilled at once; 0 if none
            does; None if the workload has none, or nothing limits it.
        largest_decoding: the largest that fits while tokens are generated: the same for an engine
            that prefills sequences one after the other.
        longest_context: the same of ``workload.context_tokens``, at the batch size as it is.
        max_positions: the positions that the model is made for, if its config says.
    """

    attention: str
    gpu: str
    memory_bytes: int
    weight_bytes: int
    kv_cache_bytes: int
    peak_activation_bytes: int
    largest_tensor: LargestTensor | None = None
    largest_batch: int | None = None
    largest_decoding: int | None = None
    longest_context: int | None = None
    max_positions: int | None = None

    @property
    def needed_bytes(self) -> int:
        """What the weights, the cache and the activations take together."""
        return self.weight_bytes + self.kv_cache_bytes + self.peak_activation_bytes

    @property
    def fits(self) -> bool:
        """Whether the GPU has as much memory."""
        return self.needed_bytes <= self.memory_bytes

    @property
    def largest_tensor_fits(self) -> bool:
        """Whether that tensor alone has room beside the weights and the cache."""
        held = self.weight_bytes + self.kv_cache_bytes
        largest = 0 if self.largest_tensor is None else self.largest_tensor.bytes
        return held + largest <= self.memory_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the answers."""
        made = self.largest_tensor
        return {
            "fits": self.fits,
            "needed_bytes": self.needed_bytes,
            **asdict(self),
            "largest_tensor": None if made is None else made.to_dict(),
            "largest_tensor_fits": self.largest_tensor_fits,
        }

    def text(self) -> str:
        """Return the answer as a line, with the figures that it rests on."""
        parts = (
            f"weights {si(self.weight_bytes, 'B')}",
            f"KV cache {si(self.kv_cache_bytes, 'B')}",
            f"peak activations {si(self.peak_activation_bytes, 'B')}",
        )
        line = f"{self._answer()} ({', '.join(parts)})"
        return "; ".join((line, *self._alone(), *self._limits()))

    def _alone(self) -> tuple[str, ...]:
        """Say what the largest tensor is, if it alone has no room."""
        if self.largest_tensor is None or self.largest_tensor_fits:
            return ()
        what = described(self.largest_tensor.to_dict())
        return (f"one tensor alone does not fit beside weights and cache: {what}",)

    def _answer(self) -> str:
        needed, memory = si(self.needed_bytes, "B"), si(self.memory_bytes, "B")
        if self.fits:
            return f"fits: {needed} of {memory} on {self.gpu}"
        alone = " for its weights alone" if self.weight_bytes > self.memory_bytes else ""
        return f"does not fit: it needs {needed}, and {self.gpu} has {memory}, too little{alone}"

    def _limits(self) -> tuple[str, ...]:
        found = []
        if self.largest_batch is not None:
            decoding = self.largest_decoding
            more = "" if decoding is None else f" prefilled at once, {decoding:,} decoding"
            found.append(f"largest batch that fits: {self.largest_batch:,}{more}")
        if self.longest_context is not None:
            positions = self.max_positions
            beyond = positions is not None and positions < self.longest_context
            made_for = f", though the model is made for {positions:,} positions" if beyond else ""
            found.append(f"longest context: {self.longest_context:,} tokens{made_for}")
        return tuple(found)


def fit(plan: Plan, gpu: Gpu, mode: AttentionMode) -> Fit | None:
    """Return whether the model of a plan fits, and up to which sizes; None if memory is unknown.

    All stages of the model count, whether the plan reports them or not, but not those of training:
    a plan of these alone has no answer here, but in `flopbench.commands.run.step_fit`.
    """
    if gpu.memory_bytes is None or all(stage.name in TRAINING for stage in plan.stages):
        return None
    memory, held = gpu.memory_bytes, _footprint(plan, mode, plan.workload)

    def most(key: str, stages: Collection[str | None] | None = None) -> int | None:
        if not varies(plan, key):
            return None

        def holds(size: int) -> bool:
            workload = with_size(plan, key, size)
            if workload is None:
                return False
            found = _footprint(plan, mode, workload, stages)
            weights = max(int(held.total_weight_bytes), int(found.total_weight_bytes))
            return weights + int(found.kv_cache_bytes + found.peak_activation_bytes) <= memory

        return largest(holds)

    present = {stage.name for stage in plan.model.stages_of(plan.workload)}
    decoding = {plan.model.per_token} & present

    return Fit(
        attention=mode.name,
        gpu=gpu.title,
        memory_bytes=memory,
        weight_bytes=int(held.total_weight_bytes),
        kv_cache_bytes=int(held.kv_cache_bytes),
        peak_activation_bytes=int(held.peak_activation_bytes),
        largest_tensor=held.largest_tensor,
        largest_batch=most("batch_size"),
        largest_decoding=most("batch_size", decoding) if decoding else None,
        longest_context=most("context_tokens"),
        max_positions=plan.model.max_positions,
    )


def _footprint(
    plan: Plan, mode: AttentionMode, workload: Any, names: Collection[str | None] | None = None
) -> Footprint:
    """Return what stages hold: weights once, the largest cache and activations, in bytes.

    Args:
        names: of the stages; None for all but those of training.
    """
    own = (stage for stage in plan.model.stages_of(workload) if stage.name not in TRAINING)
    stages = [stage.name for stage in own if not stage.parts]
    wanted = [name for name in stages if names is None or name in names]
    priced = (plan.pricer.stage(plan.model, name, workload, mode) for name in wanted)
    return reduce(Footprint.then, (each.footprint for each in priced))
