"""One attention in every mode: what is useful, what is counted, what a GPU executes."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from flopbench.attention import AttentionMode
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash, FlashTorch
from flopbench.builtin.flash_tiles import GPUS, KERNELS
from flopbench.builtin.flash_work import Choice, executed_flops
from flopbench.conventions import Conventions
from flopbench.cost import Cost
from flopbench.errors import UsageError, unknown
from flopbench.ops import Attention
from flopbench.pricing import price

DTYPES: tuple[str, ...] = ("bf16", "fp16", "fp8")
"""Types of operand; FlashAttention-3 has other tiles for fp8."""


@frozen(kw_only=True)
class AttentionFigures:
    """FLOPs of one attention, matrix work only.

    Attributes:
        useful_flops: of the query-key pairs that the mask leaves.
        eager_flops: of all pairs.
        torch_visible_flops: what FlopCounterMode counts of flash-attn's own op: nothing.
        torch_sdpa_flops: what it counts of SDPA, whichever kernel runs: all pairs.
        executed_flops: of the tiles that the kernel multiplies.
        executed_ratio: executed over useful.
        kernel: the kernel that runs.
        tile: its query rows and keys.
        splits: into how many parts the keys are split; None where the rule is not known.
    """

    useful_flops: int
    eager_flops: int
    torch_visible_flops: int
    torch_sdpa_flops: int
    executed_flops: int
    executed_ratio: float
    kernel: str
    tile: tuple[int, int]
    splits: int | None


def attention_figures(op: Attention, gpu: str, kernel: str, dtype: str) -> AttentionFigures:
    """Price one attention op of ints in every mode.

    Args:
        gpu: a name of `GPUS`.
        kernel: a name of `KERNELS`, or ``auto``: what SDPA's flash backend runs.

    Raises:
        UsageError: a name is unknown, or the kernel cannot carry out the op.
    """
    for what, given, known in (("GPU", gpu, GPUS), ("dtype", dtype, DTYPES)):
        if given not in known:
            raise UsageError(unknown(what, given, known))
    if kernel not in (*KERNELS, "auto"):
        raise UsageError(unknown("kernel", kernel, (*KERNELS, "auto")))
    reason = Flash().unsupported(op)
    if reason:
        raise UsageError(reason)
    choice = Choice(GPUS[gpu], kernel, fp8=dtype == "fp8")
    executed = int(executed_flops(op, choice))
    eager, useful = _cost(op, Eager()), int(_cost(op, Flash()).tensor_flops)
    name, splits = _kernel(op, choice)
    tile = choice.tile(name, op)
    return AttentionFigures(
        useful_flops=useful,
        eager_flops=int(eager.tensor_flops),
        torch_visible_flops=int(_cost(op, FlashTorch()).torch_visible_flops),
        torch_sdpa_flops=int(eager.torch_visible_flops),
        executed_flops=executed,
        executed_ratio=executed / useful,
        kernel=name,
        tile=(tile.rows, tile.keys),
        splits=splits,
    )


def _cost(op: Attention, mode: AttentionMode) -> Cost:
    return price([op], mode, Eager(), Conventions()).cost


def _kernel(op: Attention, choice: Choice) -> tuple[str, int | None]:
    """Return the kernel that runs, and its splits."""
    if choice.kernel not in {"auto", "fa2", "fa2_splitkv"}:
        return choice.kernel, None
    splits = int(choice.splits(op, op.keys))
    if choice.kernel == "fa2":
        return "fa2", 1
    if choice.kernel == "fa2_splitkv" or splits > 1:
        return "fa2_splitkv", splits
    return "fa2", 1


def as_text(op: Attention, gpu: str, dtype: str, figures: AttentionFigures) -> str:
    """Show the figures to people."""
    rows, keys = figures.tile
    split = "" if figures.splits is None else f", keys split in {figures.splits}"
    lines = [
        f"attention: {_shape(op)} {dtype} on {gpu}",
        f"kernel {figures.kernel} ({KERNELS[figures.kernel]}): tile {rows} x {keys}{split}",
        "matrix FLOPs:",
    ]
    for label, flops in (
        ("useful (pairs that the mask leaves)", figures.useful_flops),
        ("eager (all pairs)", figures.eager_flops),
        ("counted by torch in SDPA", figures.torch_sdpa_flops),
        ("counted by torch in flash-attn", figures.torch_visible_flops),
        ("executed", figures.executed_flops),
    ):
        lines.append(f"  {label:<36}: {flops:>24,}")
    lines[-1] += f"   {figures.executed_ratio:.4f} times useful"
    return "\n".join(lines)


def as_dict(op: Attention, gpu: str, dtype: str, figures: AttentionFigures) -> dict[str, Any]:
    """Return the figures for programs, with the shape that they are of."""
    sizes = ("batch", "heads", "kv_heads", "head_dim", "queries", "keys", "causal")
    shape = {name: getattr(op, name) for name in sizes}
    return {**shape, "gpu": gpu, "dtype": dtype, **attrs.asdict(figures)}


def _shape(op: Attention) -> str:
    sizes = f"batch={op.batch} heads={op.heads} kv_heads={op.kv_heads} head_dim={op.head_dim}"
    return f"{sizes} q={op.queries} kv={op.keys} {'causal' if op.causal else 'not causal'}"
