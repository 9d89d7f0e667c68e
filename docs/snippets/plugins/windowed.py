from collections.abc import Iterable

import attrs

from flopbench import Attention, AttentionMode, PricedOp, hookimpl
from flopbench.builtin.flash import FlashAttention2
from flopbench.dims import minimum

WINDOW = 256


class Windowed(FlashAttention2):
    """FlashAttention over the last 256 keys of each query."""

    name = "windowed"
    summary = "FlashAttention over a sliding window of 256 keys"

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        if not op.causal:
            return super().lower(op)
        # A model may have a window of its own; the formulas behind the op know what both leave.
        window = WINDOW if op.window is None else minimum(op.window, WINDOW)
        return super().lower(attrs.evolve(op, window=window))


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    return [Windowed]
