"""Ways to carry out recurrences: token by token, in chunks, or as one kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flopbench import Attention, AttentionMode, PricedOp, Recurrence, hookimpl
from flopbench.builtin.flash import FlashAttention2


class Sequential(AttentionMode):
    """Recurrences token by token, as their definition says."""

    name = "sequential"
    summary = "recurrences token by token; attention runs eagerly"
    carries = (Recurrence,)

    def lower(self, op: Recurrence) -> Iterable[PricedOp]:
        return op.sequential()


class Chunked(AttentionMode):
    """Recurrences in chunks of tokens, those of decoding, too, where tokens of a step are many."""

    name = "chunked"
    summary = "recurrences in chunks of tokens; attention runs eagerly"
    carries = (Recurrence,)

    def unsupported(self, op: Recurrence) -> str | None:
        return op.no_chunks or ("one token is no chunk" if op.is_step else None)

    def lower(self, op: Recurrence) -> Iterable[PricedOp]:
        return op.chunked()


class Fused(FlashAttention2):
    """Recurrences and attention, each as one kernel, as mamba_ssm and flash-linear-attention do."""

    name = "fused"
    summary = "one kernel for each recurrence, which stores no intermediates; attention as in flash"
    carries = (Attention, Recurrence)
    no_backward = "the backward of its kernels is not modelled"

    def unsupported(self, op: Any) -> str | None:
        return None if isinstance(op, Recurrence) else super().unsupported(op)

    def lower(self, op: Any) -> Iterable[PricedOp]:
        return op.fused() if isinstance(op, Recurrence) else super().lower(op)


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the modes."""
    return [Sequential, Chunked, Fused]
