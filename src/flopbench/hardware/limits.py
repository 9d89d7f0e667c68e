"""What limits a stage, in words that each come with the figure they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from flopbench.analytic.price import StagePrice
from flopbench.hardware.bounds import Bound, Limit
from flopbench.hardware.times import StageTimes
from flopbench.ops import Cost
from flopbench.text import milliseconds
from flopbench.training_step import OPTIMIZER

NEARLY = 1.1
"""A batch is nearly free while the bound grows by less than this factor."""

_BYTES = {
    "weights": ("weight_bytes_read",),
    "routed experts' weights": ("expected_expert_bytes_read",),
    "the KV cache": ("kv_cache_bytes_read", "kv_cache_bytes_written"),
    "activations": ("activation_bytes_read", "activation_bytes_written"),
}

_OF_OPTIMIZER = "gradients, optimizer states and new weights"
"""What the optimizer's step moves in place of activations."""


@frozen(kw_only=True)
class FreeBatch:
    """How far a batch can grow.

    Attributes:
        batch: as it is.
        largest: the largest that takes less than `NEARLY` times the bound; None if nothing limits
            it.
        doubled: how many times the bound twice the batch takes.
    """

    batch: int
    largest: int | None
    doubled: float


@frozen(kw_only=True)
class Limits:
    """What limits a stage in an attention mode.

    Attributes:
        bound_ms: its bound, of which ``binding_ms`` is in operations that ``bound_by`` binds.
        most: what most of the binding resource is spent on: a kind of bytes if memory binds, a
            component if compute does.
        most_share: the share of all bytes, or of all tensor FLOPs, that this is.
        free: how far the batch can grow; None if the workload has no batch size.
    """

    stage: str
    bound_by: Limit
    bound_ms: float
    binding_ms: float
    most: str
    most_share: float
    free: FreeBatch | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the line."""
        return {**asdict(self), "text": self.text()}

    def text(self) -> str:
        """Return the line."""
        binding, bound = milliseconds(self.binding_ms), milliseconds(self.bound_ms)
        parts = [f"{self.stage}: {self.bound_by} binds ({binding} of {bound} ms)"]
        what = "bytes" if self.bound_by == "memory" else "tensor FLOPs"
        is_or_are = "are" if self.bound_by == "memory" else "are in"
        parts.append(f"{_percent(self.most_share)} of the {what} {is_or_are} {self.most}")
        if self.free is not None:
            parts.append(_growth(self.free))
        return "; ".join(parts)


def limits(
    stage: str, priced: StagePrice, times: StageTimes, free: FreeBatch | None = None
) -> Limits | None:
    """Return what limits a stage; None if it has nothing to do.

    Args:
        stage: its name.
        priced: its price in the mode that the times are of.
    """
    bound = times.bound
    if bound.bound_by is None:
        return None
    memory = bound.bound_by == "memory"
    most, share = _largest(_by_kind(stage, priced) if memory else _by_component(times.components))
    return Limits(
        stage=stage,
        bound_by=bound.bound_by,
        bound_ms=bound.ms,
        binding_ms=bound.memory_bound_ms if memory else bound.compute_bound_ms,
        most=most,
        most_share=share,
        free=free,
    )


def _by_kind(stage: str, priced: StagePrice) -> Mapping[str, float]:
    cost = sum((cost for _, cost in priced.items), Cost())
    sizes = {kind: sum(float(getattr(cost, f)) for f in fields) for kind, fields in _BYTES.items()}
    if stage == OPTIMIZER:
        sizes[_OF_OPTIMIZER] = sizes.pop("activations")
    return sizes


def _by_component(components: Mapping[str, Bound]) -> Mapping[str, float]:
    return {name: bound.tensor_flops for name, bound in components.items()}


def _largest(amounts: Mapping[str, float]) -> tuple[str, float]:
    """Return the largest amount's name, and its share of all."""
    name = max(amounts, key=lambda each: amounts[each])
    return name, amounts[name] / sum(amounts.values())


def _growth(free: FreeBatch) -> str:
    within = f"the bound grows by less than {_percent(NEARLY - 1)}"
    if free.largest is None:
        return f"any batch is nearly free ({within})"
    if free.largest >= 2 * free.batch:
        return f"batches up to about {free.largest:,} are nearly free ({within})"
    return f"twice the batch takes {free.doubled:.3g} times the bound"


_ROUNDS_TO_100 = 0.995


def _percent(share: float) -> str:
    if _ROUNDS_TO_100 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.2g} %" if share < 1 else "all"


@frozen(kw_only=True)
class Shares:
    """Shares of one stage in all stages: of tensor FLOPs, of bytes moved, and of the bound."""

    stage: str
    tensor_flops: float
    bytes_moved: float
    bound: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the line."""
        return {**asdict(self), "text": self.text()}

    def text(self) -> str:
        """Return the line."""
        return (
            f"{self.stage}: {_percent(self.tensor_flops)} of the tensor FLOPs, "
            f"{_percent(self.bytes_moved)} of the bytes, {_percent(self.bound)} of the bound"
        )


def shares(times: Mapping[str, StageTimes]) -> tuple[Shares, ...]:
    """Return the shares of stages that follow each other, none of them composed."""
    bounds = {stage: each.bound for stage, each in times.items()}
    whole = sum(bounds.values(), Bound())
    return tuple(
        Shares(
            stage=stage,
            tensor_flops=_ratio(bound.tensor_flops, whole.tensor_flops),
            bytes_moved=_ratio(bound.bytes_moved, whole.bytes_moved),
            bound=_ratio(bound.ms, whole.ms),
        )
        for stage, bound in bounds.items()
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
