"""How many ways FlashAttention-2 splits the keys of one attention: on ints, arrays or symbols.

With few row blocks most multiprocessors would idle, so the split-KV kernel lets several
thread blocks share the keys of one row block. Source of the rule: num_splits_heuristic
in PyTorch's flash_attn/flash_api.cpp.
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from math import ceil
from typing import Any

from flopbench.dims import Dim, elementwise, is_symbolic

MAX_SPLITS = 128
_SLOTS_PER_MULTIPROCESSOR = 2
"""The kernel's blocks have 128 threads; the rule assumes two per multiprocessor."""


def splits(row_blocks: Dim, key_blocks: Dim, multiprocessors: int) -> Dim:
    """Return the number of splits; more than one means that the split-KV kernel runs.

    Args:
        row_blocks: blocks of 64 query rows, over all heads and the batch.
        key_blocks: blocks of keys of the split-KV kernel.
    """
    if is_symbolic(row_blocks) or is_symbolic(key_blocks):
        return _symbolic()(row_blocks, key_blocks, multiprocessors)
    return elementwise(lambda r, k: _splits(r, k, multiprocessors), row_blocks, key_blocks)


@lru_cache(maxsize=1 << 16)
def _splits(row_blocks: int, key_blocks: int, multiprocessors: int) -> int:
    """Choose the fewest splits within 85 % of the best use of the last wave of blocks.

    The kernel's authors compute this in single precision, so this function does, too.
    """
    slots = multiprocessors * _SLOTS_PER_MULTIPROCESSOR
    if row_blocks >= _single(_single(0.8) * slots):
        return 1
    efficiency = {
        count: _efficiency(row_blocks * count, slots)
        for count in range(1, min(MAX_SPLITS, slots, key_blocks) + 1)
        if count == 1 or -(-key_blocks // count) != -(-key_blocks // (count - 1))
    }
    best = max(efficiency.values(), default=0.0)
    return next((count for count, value in efficiency.items() if value >= 0.85 * best), 1)


def _efficiency(blocks: int, slots: int) -> float:
    """Return how full the waves of blocks are."""
    waves = _single(blocks / slots)
    return _single(waves / ceil(waves)) if blocks else 0.0


def _single(value: float) -> float:
    """Round to single precision."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


@cache
def _symbolic() -> Any:
    """Return the rule as a SymPy function, which evaluates once its arguments are numbers."""
    import sympy

    class FlashSplits(sympy.Function):  # type: ignore[misc]
        """Number of splits for (row blocks, key blocks, multiprocessors)."""

        nargs = 3
        is_integer = True
        is_positive = True

        @classmethod
        def eval(cls, row_blocks: Any, key_blocks: Any, multiprocessors: Any) -> Any:
            if row_blocks.is_Integer and key_blocks.is_Integer:
                return sympy.Integer(_splits(*map(int, (row_blocks, key_blocks, multiprocessors))))
            return None

    return FlashSplits
