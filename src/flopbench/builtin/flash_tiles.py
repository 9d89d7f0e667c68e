"""What FlashAttention kernels there are, and the tile that each computes at once.

A kernel cuts queries into row blocks and keys into key blocks and multiplies whole
tiles, so a tile's sides decide how much work is padding. Each entry names its source,
read as facts; what was measured is in docs/executed-work.md.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from flopbench.errors import UsageError, unknown

Kernel = Literal["fa2", "fa2_splitkv", "cudnn", "fa3"]
DType = Literal["bf16", "fp16", "fp8"]

KERNELS: dict[str, str] = {
    "fa2": "FlashAttention-2, the standard forward kernel in PyTorch's SDPA",
    "fa2_splitkv": "FlashAttention-2's split-KV kernel in PyTorch's SDPA",
    "cudnn": "cuDNN's Hopper kernel in PyTorch's SDPA",
    "fa3": "FlashAttention-3",
}
"""Kernel families by name."""


@frozen
class Tile:
    """Query rows x keys that a thread block multiplies at once."""

    rows: int
    keys: int

    @property
    def pairs(self) -> int:
        """Query-key pairs of the tile."""
        return self.rows * self.keys


@frozen
class Gpu:
    """What the choice of a kernel and its tile depends on.

    Attributes:
        capability: compute capability, major and minor.
        multiprocessors: number of SMs, which the split-KV choice counts with.
    """

    name: str
    capability: tuple[int, int]
    multiprocessors: int


HOPPER = (9, 0)

GPUS: dict[str, Gpu] = {
    gpu.name: gpu
    for gpu in (
        # Multiprocessors: NVIDIA's architecture papers and datasheets of these parts.
        Gpu("a100", (8, 0), 108),
        Gpu("l40s", (8, 9), 142),
        Gpu("h100", (9, 0), 132),  # SXM
        Gpu("h100_pcie", (9, 0), 114),
        Gpu("h200", (9, 0), 132),
    )
}
"""GPUs by name."""

CUDNN = Tile(128, 128)
CUDNN_DECODE = Tile(16, 128)
"""cuDNN's tiles, by measurement alone: an H200 with cuDNN 9.19 (measurements/h200.json).

Its kernels' names give the rows of one warpgroup x keys: 64x128, of which two make a tile of
128 rows; and for a single query 16x128.
"""

SPLIT_ROWS = 64
"""Row block of the split-KV kernel, with which its choice counts, too."""

_HEAD_DIMS: dict[str, tuple[int, ...]] = {
    # HEADDIM_SWITCH in csrc/flash_attn/src/static_switch.h.
    "fa2": (32, 64, 96, 128, 192, 256),
    "fa2_splitkv": (32, 64, 96, 128, 192, 256),
    "cudnn": (64, 128),
    # hopper/flash_api.cpp, round_up_headdim.
    "fa3": (64, 96, 128, 192, 256),
}
"""Head widths that kernels are compiled for; a narrower head is padded to the next."""


def kernel_head_dim(kernel: str, head_dim: int) -> int:
    """Return the head width that a kernel multiplies for heads of ``head_dim``.

    Raises:
        UsageError: the kernel has no so wide head.
    """
    for width in _HEAD_DIMS[kernel]:
        if head_dim <= width:
            return width
    raise UsageError(
        f"kernel {kernel} takes heads of up to {_HEAD_DIMS[kernel][-1]}, not {head_dim}"
    )


def tile(
    kernel: str,
    gpu: Gpu,
    head_dim: int,
    *,
    causal: bool,
    single: bool = False,
    few_rows: bool = False,
    fp8: bool = False,
) -> Tile:
    """Return the tile of a kernel.

    Args:
        single: whether there is one query, as in decoding, which cuDNN looks at.
        few_rows: whether there are at most 64 query rows, which FlashAttention-3 looks at.

    Raises:
        UsageError: the kernel is not known, or has no tile for this GPU and head.
    """
    if kernel not in KERNELS:
        raise UsageError(unknown("kernel", kernel, KERNELS))
    width = kernel_head_dim(kernel, head_dim)
    if kernel == "fa2":
        return _fa2(width, gpu, causal=causal)
    if kernel == "fa2_splitkv":
        return Tile(SPLIT_ROWS, split_keys(head_dim))
    if gpu.capability != HOPPER:
        raise UsageError(f"kernel {kernel} needs a Hopper GPU (h100, h200), not {gpu.name}")
    if kernel == "fa3":
        return Tile(*_FA3_FP8[width]) if fp8 else _fa3(width, causal=causal, few_rows=few_rows)
    return CUDNN_DECODE if single else CUDNN


_SPLIT_KEYS = {64: 256, 128: 128}


def split_keys(head_dim: int) -> int:
    """Return the key block of the split-KV kernel.

    Source: set_params_splitkv in PyTorch's flash_attn/flash_api.cpp, and
    run_mha_fwd_splitkv_dispatch in FlashAttention-2's flash_fwd_launch_template.h.
    """
    return next((keys for width, keys in _SPLIT_KEYS.items() if head_dim <= width), 64)


_FA2 = {32: (128, 128), 64: (128, 128), 96: (128, 64), 128: (128, 64), 192: (128, 64)}
_FA2_SMALL = {96: (128, 64), 128: (128, 32)}
_FA2_SMALL_CAUSAL = {96: (64, 64), 128: (64, 64)}
"""FlashAttention-2's forward tiles without dropout, by head width.

Source: run_mha_fwd_hdim* in flash_fwd_launch_template.h. Compute capability 8.6 and 8.9 have
less shared memory and tiles of their own.
"""


def _fa2(width: int, gpu: Gpu, *, causal: bool) -> Tile:
    small = gpu.capability in {(8, 6), (8, 9)}
    if small and width in _FA2_SMALL:
        return Tile(*(_FA2_SMALL_CAUSAL if causal else _FA2_SMALL)[width])
    if width in _FA2:
        return Tile(*_FA2[width])
    # 256 wide: 128 x 64 only where it fits in shared memory and two of 64 x 64 do not.
    return Tile(128, 64) if gpu.capability == (8, 0) else Tile(64, 64)


_FA3 = {64: (192, 192), 96: (192, 144), 128: (128, 176), 192: (128, 112), 256: (128, 80)}
_FA3_CAUSAL = {64: (192, 128), 128: (128, 128)}
_FA3_FP8 = {64: (192, 160), 96: (192, 128), 128: (128, 224), 192: (128, 160), 256: (128, 128)}
"""FlashAttention-3's forward tiles, by head width; source: hopper/tile_size.h."""


def _fa3(width: int, *, causal: bool, few_rows: bool) -> Tile:
    rows, keys = _FA3_CAUSAL[width] if causal and width in _FA3_CAUSAL else _FA3[width]
    # use_one_mma_wg in hopper/heuristics.h: one warpgroup for few rows.
    return Tile(SPLIT_ROWS if few_rows and width == _ONE_WARPGROUP else rows, keys)


_ONE_WARPGROUP = 128
"""The head width that FlashAttention-3 has a tile of one warpgroup for: 64 rows."""
