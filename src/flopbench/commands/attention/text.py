"""What ``flopbench attention`` prints."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.commands.attention.figures import AttentionFigures, Measured
from flopbench.kernels.flash_tiles import KERNELS
from flopbench.ops import Attention

ATTENTION_SCHEMA_VERSION = "1.0"


def as_text(op: Attention, gpu: str, dtype: str, figures: AttentionFigures) -> str:
    """Return the figures as text."""
    rows, keys = figures.tile
    split = "" if figures.splits is None else f", keys split in {figures.splits}"
    lines = [
        f"attention: {_shape(op)} {dtype} on {gpu}",
        f"kernel {figures.kernel} ({KERNELS[figures.kernel]}): tile {rows} x {keys}{split}",
    ]
    if figures.sdpa_kernel not in {None, figures.kernel}:
        lines.append(f"  not what runs: PyTorch's SDPA takes {figures.sdpa_kernel} for this shape")
    lines.append("matrix FLOPs:")
    for label, flops in (
        ("useful (pairs that the mask leaves)", figures.useful_flops),
        ("eager (all pairs)", figures.eager_flops),
        ("counted by torch in SDPA", figures.torch_sdpa_flops),
        ("counted by torch in flash-attn", figures.torch_visible_flops),
        ("executed", figures.executed_flops),
    ):
        lines.append(f"  {label:<36}: {flops:>24,}")
    if figures.executed_ratio is not None:
        lines[-1] += f"   {figures.executed_ratio:.4f} times useful"
    return "\n".join(lines)


def as_dict(op: Attention, gpu: str, dtype: str, figures: AttentionFigures) -> dict[str, Any]:
    """Return the figures for JSON, with the shape that they belong to."""
    sizes = ("batch", "heads", "kv_heads", "head_dim", "queries", "keys", "causal")
    shape = {name: getattr(op, name) for name in sizes}
    return {
        "schema_version": ATTENTION_SCHEMA_VERSION,
        **shape,
        "gpu": gpu,
        "dtype": dtype,
        **attrs.asdict(figures),
    }


def _shape(op: Attention) -> str:
    sizes = f"batch={op.batch} heads={op.heads} kv_heads={op.kv_heads} head_dim={op.head_dim}"
    return f"{sizes} q={op.queries} kv={op.keys} {'causal' if op.causal else 'not causal'}"


def measured_text(figures: AttentionFigures, measured: Measured) -> str:
    """Return the measurement as text, beside the prediction."""
    difference = measured.measured_flops - figures.executed_flops
    against = f"{difference:+,} against the prediction"
    lines = [f"  {'measured on this GPU':<36}: {measured.measured_flops:>24,}   {against}"]
    return "\n".join((*lines, *(f"    by {name}" for name in measured.measured_kernels)))
