"""The attention core alone on a GPU, as PyTorch's SDPA runs it: what `flash_executed` predicts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import frozen

from flopbench import Attention, VendorCall
from flopbench.kernels.flash_tiles import HEAD_GRAIN
from flopbench.kernels.ncu_profile import Kernel, profile

BACKENDS: tuple[str, ...] = ("auto", "flash", "cudnn")
"""Backends of SDPA; ``auto`` leaves the choice to torch."""

TYPES: dict[str, str] = {"bf16": "bfloat16", "fp16": "float16"}
"""Operand types that SDPA's fused kernels take: flopbench's name and torch's."""


@frozen
class Core:
    """One attention whose sizes are ints, and its operand type (from `TYPES`)."""

    op: Attention
    dtype: str = "bf16"


def measure_cores(cores: Sequence[Core], backend: str) -> list[list[Kernel]]:
    """Run every attention once under Nsight Compute and return the kernels of each.

    Raises:
        UsageError: there is no GPU or no ncu.
        CountError: the call fails, for example because the backend does not take a shape.
    """
    types = {core.dtype: None for core in cores}
    kernels = profile(partial(attention_call, tuple(cores), backend), types)
    return [[k for k in kernels if k.module == str(number)] for number in range(len(cores))]


def attention_call(cores: Sequence[Core], backend: str) -> VendorCall:
    """Prepare one call that runs every attention, each in a module named by its number."""
    import torch

    torch.manual_seed(0)

    class Module(torch.nn.Module):
        def __init__(self, core: Core) -> None:
            super().__init__()
            self.op = core.op
            dtype = getattr(torch, TYPES[core.dtype])

            def states(heads: Any, tokens: Any) -> torch.Tensor:
                extents = map(int, (core.op.batch, heads, tokens, core.op.head_dim))
                return torch.randn(*extents, device="cuda", dtype=dtype)

            op = core.op
            self.states = (
                states(op.heads, op.queries),
                states(op.kv_heads, op.keys),
                states(op.kv_heads, op.keys),
            )

        def forward(self) -> None:
            _attend(self.op, self.states, backend)

    modules = torch.nn.ModuleList(map(Module, cores))
    return VendorCall(modules, lambda: [module() for module in modules])


def _attend(op: Attention, states: tuple[Any, Any, Any], backend: str) -> None:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if backend == "flash" and op.causal and op.queries != op.keys:
        # SDPA cannot align the mask with the last key, its kernel can. Pad heads as SDPA does.
        padding = -int(op.head_dim) % HEAD_GRAIN
        padded = [torch.nn.functional.pad(state, (0, padding)) for state in states]
        torch.ops.aten._scaled_dot_product_flash_attention(*padded, 0.0, True)  # noqa: FBT003, SLF001
        return
    attention = partial(
        torch.nn.functional.scaled_dot_product_attention,
        *states,
        is_causal=op.causal and int(op.queries) > 1,  # SDPA's mask starts at the first key
        enable_gqa=op.kv_heads != op.heads,
    )
    if backend == "auto":
        attention()
        return
    one = SDPBackend.FLASH_ATTENTION if backend == "flash" else SDPBackend.CUDNN_ATTENTION
    with sdpa_kernel([one]):
        attention()
