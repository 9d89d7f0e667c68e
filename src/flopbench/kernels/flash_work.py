"""The query-key pairs that a FlashAttention kernel computes: whole tiles, including padding."""

from __future__ import annotations

from math import gcd
from typing import Any

from attrs import frozen

from flopbench import Attention, UsageError
from flopbench.conventions import MAC_FLOPS
from flopbench.dims import (
    Dim,
    at_most_one,
    ceil_div,
    halve,
    is_array,
    is_symbolic,
    maximum,
    minimum,
    where,
)
from flopbench.kernels.flash_split import splits
from flopbench.kernels.flash_tiles import (
    SPLIT_ROWS,
    Gpu,
    Tile,
    TileRule,
    kernel_head_dim,
    split_keys,
    tile_rule,
)


def touched_tiles(rows: Dim, keys: Dim, block: Tile, *, causal: bool) -> Dim:
    """Return how many tiles a kernel computes for one head; it pads both axes to whole blocks.

    A causal kernel aligns the mask with the last key (``rows`` <= ``keys``) and skips the key
    blocks to the right of a row block's last query: row block i of 1, 2, … computes
    min(ceil(keys / N), ceil((i M + keys - rows) / N)) tiles of M x N. Source: n_block_max in
    FlashAttention-2's flash_fwd_kernel.h.
    """
    key_blocks = ceil_div(keys, block.keys)
    if not causal:
        return ceil_div(rows, block.rows) * key_blocks
    whole = rows // block.rows
    # A partial row block ends at or beyond the last query, and sees every key.
    return _staircase(whole, keys - rows, block) + key_blocks * (ceil_div(rows, block.rows) - whole)


def _staircase(row_blocks: Dim, offset: Dim, block: Tile) -> Dim:
    """Return the sum of ceil((i M + offset) / N) over i = 1 … row_blocks.

    With M = p g and N = r g the summand is ceil((i p + c) / r), c = ceil(offset / g). Within one
    residue class, i = z, z + r, z + 2 r, …, it grows by p from each i to the next.
    """
    unit = gcd(block.rows, block.keys)
    step, period = block.rows // unit, block.keys // unit
    start = ceil_div(offset, unit)
    total: Dim = 0
    for residue in range(1, period + 1):
        count = (row_blocks - residue + period) // period
        first = ceil_div(start + residue * step, period)
        total = total + count * first + step * halve(count * (count - 1))
    return total


@frozen
class Choice:
    """Which kernel computes attention, and on which GPU.

    Attributes:
        kernel: a family, or ``auto``: FlashAttention-2, split-KV where PyTorch splits.
        fp8: whether operands are 8-bit floats (FlashAttention-3 only).
    """

    gpu: Gpu
    kernel: str = "auto"
    fp8: bool = False

    def splits(self, op: Attention, keys: Dim) -> Dim:
        """Return how many ways PyTorch's flash_attn/flash_api.cpp splits the keys of one step."""
        row_blocks = ceil_div(_rows(op), SPLIT_ROWS)
        key_blocks = ceil_div(keys, split_keys(int(op.head_dim)))
        return splits(_heads(op) * row_blocks, key_blocks, self.gpu.multiprocessors)

    def rule(self, kernel: str, op: Attention, *, single: bool) -> TileRule:
        """Return the rule by which a kernel chooses its tile for this op."""
        width = int(op.head_dim)
        causal = op.causal
        return tile_rule(kernel, self.gpu, width, causal=causal, single=single, fp8=self.fp8)

    def tile(self, kernel: str, op: Attention) -> Tile:
        """Return the tile that computes an op whose sizes are ints."""
        rule = self.rule(kernel, op, single=bool(op.queries <= 1))
        tile: Tile = rule.choose(_rows(op), op.keys, lambda t: t)
        return tile

    def pairs(self, op: Attention, keys: Dim) -> Dim:
        """Return how many pairs one step computes, over all heads of one layer."""
        if self.kernel == "auto":
            split = self.splits(op, keys) > 1
            both = (self._pairs("fa2_splitkv", op, keys), self._pairs("fa2", op, keys))
            return _heads(op) * where(split, *both)
        return _heads(op) * self._pairs(self.kernel, op, keys)

    def _pairs(self, kernel: str, op: Attention, keys: Dim) -> Dim:
        def pairs(rows: Dim, *, causal: bool, single: bool) -> Dim:
            return self.rule(kernel, op, single=single).choose(
                rows, keys, lambda t: touched_tiles(rows, keys, t, causal=causal) * t.pairs
            )

        computed = where(
            op.queries <= 1,
            pairs(_rows(op), causal=False, single=True),
            pairs(op.queries, causal=op.causal, single=False),
        )
        return computed * at_most_one(op.queries)  # no query, no launch

    def key_grain(self, op: Attention) -> int:
        """Return a number that divides the number of keys of every tile."""
        kernels = ("fa2", "fa2_splitkv") if self.kernel == "auto" else (self.kernel,)
        rules = (self.rule(kernel, op, single=s) for kernel in kernels for s in (True, False))
        return gcd(*(tile.keys for rule in rules for tile in rule.tiles))


def executed_flops(op: Attention, choice: Choice) -> Dim:
    """Return the tensor FLOPs that the kernels execute for one layer, over all steps.

    Two products, Q K^T and P V, over each pair of each tile, as wide as the kernel's head.

    Raises:
        UsageError: the kernel does not run on this GPU, or has no tile for such heads, or packs
            grouped heads in a way that is not modelled.
    """
    _refuse_packing(op, choice.kernel)
    kernel = "fa2" if choice.kernel == "auto" else choice.kernel
    width = kernel_head_dim(kernel, int(op.head_dim))
    return 2 * MAC_FLOPS * width * _over_steps(op, choice)


def _refuse_packing(op: Attention, kernel: str) -> None:
    """Refuse an op whose query heads FlashAttention-3 may pack, as rows of one block per KV head.

    For one query it always packs them. For more, should_pack_gqa (hopper/heuristics.h) and the
    choice of splits decide; those are not modelled.
    """
    if kernel == "fa3" and _many_grouped(op):
        raise UsageError(
            "kernel fa3 may pack grouped heads into one block, which is modelled for one query "
            f"only, not for {op.queries} queries with {op.heads} heads on {op.kv_heads} KV heads"
        )


def _many_grouped(op: Attention) -> bool:
    """Return whether any element has several queries with grouped heads, or a symbol may."""
    if any(map(is_symbolic, (op.queries, op.heads, op.kv_heads))):
        return bool(op.heads != op.kv_heads and op.queries != 1)
    grouped: Any = (op.queries > 1) & (op.heads != op.kv_heads)
    return bool(grouped.any()) if is_array(grouped) else bool(grouped)


def _rows(op: Attention) -> Dim:
    """Return the query rows per head: a single query has those of all heads on its KV head.

    Source: seqlenq_ngroups_swapped in PyTorch's flash_attn/flash_api.cpp.
    """
    return where(op.queries <= 1, op.heads // op.kv_heads, op.queries)


def _heads(op: Attention) -> Dim:
    return op.batch * where(op.queries <= 1, op.kv_heads, op.heads)


def _over_steps(op: Attention, choice: Choice) -> Dim:
    """Sum the pairs of all steps: step k of 0, 1, … sees keys + k * queries keys."""
    if isinstance(op.steps, int) and op.steps == 1:
        return choice.pairs(op, op.keys)
    if op.fixed_keys:
        return op.steps * choice.pairs(op, op.keys)
    if any(map(is_symbolic, (op.steps, op.keys, op.queries, op.batch, op.heads, op.kv_heads))):
        import sympy

        step = sympy.Dummy("step", integer=True, nonnegative=True)
        pairs = choice.pairs(op, op.keys + step * op.queries)
        return sympy.Sum(pairs, (step, 0, op.steps - 1))
    blocks = _blocks(op, choice)
    if len(blocks) >= _largest(op.steps) or (op.causal and _largest(op.queries) > SPLIT_ROWS):
        return _step_by_step(op, choice)
    return _block_by_block(op, choice, blocks)


def _blocks(op: Attention, choice: Choice) -> range:
    """Return the ends of the key blocks in which steps may end."""
    grain = choice.key_grain(op)
    last = op.keys + (op.steps - 1) * op.queries
    first_end = (_smallest(op.keys - 1) // grain + 1) * grain
    return range(first_end, _largest(last - 1) + grain + 1, grain)


def _block_by_block(op: Attention, choice: Choice, blocks: range) -> Dim:
    """Sum the steps that end in the same key block together: they compute the same tiles.

    That holds without a mask, and with all queries in one row block, which ends at the last key.
    """
    queries = maximum(op.queries, 1)

    def steps_up_to(keys: int) -> Dim:
        return maximum(minimum((keys - op.keys) // queries + 1, op.steps), 0)

    total: Dim = 0
    for end in blocks:
        steps = steps_up_to(end) - steps_up_to(end - blocks.step)
        if _largest(steps):  # many queries may skip a block
            total = total + steps * choice.pairs(op, end)
    return total


def _step_by_step(op: Attention, choice: Choice) -> Dim:
    """Sum the steps one by one: for few steps, or for many queries under a mask."""
    total: Dim = 0
    for step in range(_largest(op.steps)):
        pairs = choice.pairs(op, op.keys + step * op.queries)
        total = total + pairs * minimum(maximum(op.steps - step, 0), 1)
    return total


def _largest(value: Any) -> int:
    return int(value.max()) if is_array(value) else int(value)


def _smallest(value: Any) -> int:
    return int(value.min()) if is_array(value) else int(value)
