"""FlashAttention as a GPU executes it: whole tiles, where `flash` prices unmasked pairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import attrs

from flopbench import Attention, AttentionMode, PricedOp, UsageError, hookimpl
from flopbench.builtin.flash import FlashAttention2
from flopbench.dims import Dim, is_array

if TYPE_CHECKING:
    from flopbench.kernels.flash_work import Choice


class FlashExecuted(FlashAttention2):
    """FlashAttention-2 as PyTorch's SDPA runs it on an H200, including the padding of its tiles.

    Only the tensor work differs from that of `flopbench.builtin.flash.Flash`: nothing counts the
    vector work on a GPU.
    """

    name = "flash_executed"
    summary = "the tensor work that PyTorch's FlashAttention kernels execute on an H200"
    label = "analytic flash (executed)"
    tells_padding = True
    no_backward = "the tiles of a fused backward are not known"

    choice: ClassVar[Choice | None] = None
    """Kernel and GPU; None for what SDPA runs on an H200."""

    def unsupported(self, op: Attention) -> str | None:
        reason = super().unsupported(op)
        if reason:
            return reason
        if not hasattr(op.head_dim, "__index__") or is_array(op.head_dim):
            return f"head_dim must be a number to choose a tile, got {op.head_dim}"
        if op.window is not None or op.softcap:
            return "PyTorch's FlashAttention kernels support neither windows nor capped scores"
        try:
            self._executed(attrs.evolve(op, steps=1))
        except UsageError as error:
            return str(error)
        return None

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        fused = self.fused(op)
        yield attrs.evolve(fused, padding=self._executed(op) - fused.tensor_flops())

    def _executed(self, op: Attention) -> Dim:
        from flopbench.kernels.flash_tiles import GPUS
        from flopbench.kernels.flash_work import Choice, executed_flops

        return executed_flops(op, self.choice or Choice(GPUS["h200"]))


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the mode."""
    return [FlashExecuted]
