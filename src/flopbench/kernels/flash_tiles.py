"""The FlashAttention kernels, and the tile that each computes at once.

A kernel cuts queries into row blocks and keys into key blocks and multiplies whole
tiles, so a tile's sides decide how much work is padding. Each entry names the source
that its figures come from; docs/executed-work.md reports what was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from attrs import frozen

from flopbench import UsageError
from flopbench.dims import Dim, where
from flopbench.errors import unknown

KERNELS: dict[str, str] = {
    "fa2": "FlashAttention-2, the standard forward kernel in PyTorch's SDPA",
    "fa2_splitkv": "FlashAttention-2's split-KV kernel in PyTorch's SDPA",
    "cudnn": "cuDNN's Hopper kernel in PyTorch's SDPA",
    "fa3": "FlashAttention-3",
}
"""Kernel families by name."""


DTYPES: tuple[str, ...] = ("bf16", "fp16", "fp8")
"""Operand types; FlashAttention-3 has different tiles for fp8."""


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
class TileRule:
    """Which of a kernel's tiles computes an attention, by its number of rows or keys.

    Attributes:
        choices: tiles in order, each with the largest number of rows or keys that it is used for.
        last: the tile for all larger numbers.
    """

    last: Tile
    choices: tuple[tuple[int, Tile], ...] = ()
    by: Literal["rows", "keys"] = "rows"

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles of the rule."""
        return (*(tile for _bound, tile in self.choices), self.last)

    def choose(self, rows: Dim, keys: Dim, price: Callable[[Tile], Any]) -> Any:
        """Return ``price`` of the tile that the rule chooses."""
        value = rows if self.by == "rows" else keys
        found = price(self.last)
        for bound, tile in reversed(self.choices):
            found = where(value <= bound, price(tile), found)
        return found


@frozen
class Gpu:
    """The properties of a GPU that decide the choice of a kernel and its tile.

    Attributes:
        capability: compute capability, major and minor.
        multiprocessors: number of SMs; decides the number of splits.
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

HEAD_GRAIN = 8
"""SDPA pads heads to a multiple of this for FlashAttention; source: pad_last_dim<8> in
PyTorch's aten/src/ATen/native/transformers/attention.cpp."""

SPLIT_ROWS = 64
"""Row block of the split-KV kernel; the choice of splits uses it, too."""

_HEAD_DIMS: dict[str, tuple[int, ...]] = {
    # HEADDIM_SWITCH in csrc/flash_attn/src/static_switch.h.
    "fa2": (32, 64, 96, 128, 192, 256),
    "fa2_splitkv": (32, 64, 96, 128, 192, 256),
    "cudnn": (64, 128),  # the measured ones
    # round_up_headdim in hopper/flash_api.cpp, at the commit below.
    "fa3": (64, 96, 128, 192, 256),
}
"""Head widths that kernels are compiled for; a narrower head is padded to the next."""


def kernel_head_dim(kernel: str, head_dim: int) -> int:
    """Return the head width that a kernel multiplies for heads of ``head_dim``.

    Raises:
        UsageError: the kernel has no head that wide, or its tile is unknown.
    """
    if kernel == "cudnn" and head_dim not in _HEAD_DIMS[kernel]:
        raise UsageError(
            f"cuDNN's tiles were measured only for heads of 64 and 128, not for {head_dim}"
        )
    for width in _HEAD_DIMS[kernel]:
        if head_dim <= width:
            return width
    raise UsageError(
        f"kernel {kernel} takes heads of up to {_HEAD_DIMS[kernel][-1]}, not {head_dim}"
    )


def tile_rule(
    kernel: str, gpu: Gpu, head_dim: int, *, causal: bool, single: bool = False, fp8: bool = False
) -> TileRule:
    """Return the rule by which a kernel chooses its tile for an attention.

    Args:
        single: whether there is one query, as in decoding; the mask then has no effect.

    Raises:
        UsageError: the kernel is unknown, or does not run on this GPU or with this head width.
    """
    if kernel not in KERNELS:
        raise UsageError(unknown("kernel", kernel, KERNELS))
    width = kernel_head_dim(kernel, head_dim)
    if fp8 and kernel != "fa3":
        raise UsageError(f"kernel {kernel} takes bf16 and fp16, not fp8; only fa3 takes fp8")
    if kernel == "fa2":
        return TileRule(_fa2(width, gpu, causal=causal and not single))
    if kernel == "fa2_splitkv":
        return TileRule(Tile(SPLIT_ROWS, split_keys(head_dim)))
    if gpu.capability != HOPPER:
        raise UsageError(f"kernel {kernel} needs a Hopper GPU (h100, h200), got {gpu.name}")
    if kernel == "cudnn":
        return _CUDNN_DECODE if single else _CUDNN
    return _fa3(head_dim, width, causal=causal and not single, fp8=fp8)


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

Source: run_mha_fwd_hdim* in flash_fwd_launch_template.h. GPUs of compute capability 8.6 and 8.9
have less shared memory and different tiles.
"""


def _fa2(width: int, gpu: Gpu, *, causal: bool) -> Tile:
    small = gpu.capability in {(8, 6), (8, 9)}
    if small and width in _FA2_SMALL:
        return Tile(*(_FA2_SMALL_CAUSAL if causal else _FA2_SMALL)[width])
    if width in _FA2:
        return Tile(*_FA2[width])
    # 256 wide: 128 x 64 only where it fits in shared memory and two of 64 x 64 do not.
    return Tile(128, 64) if gpu.capability == (8, 0) else Tile(64, 64)


_CUDNN = TileRule(Tile(128, 128))
_CUDNN_DECODE = TileRule(Tile(16, 128), ((32, Tile(64, 32)), (256, Tile(64, 64))), by="keys")
"""cuDNN's tiles, from measurements alone: cuDNN 9.19 on an H200 (measurements/h200.json).

Its kernels' names give the tile. When each is chosen was read off the measurements, at 31, 32,
33 and 255, 256, 257 keys: for a single query 64x32 up to 32 keys, 64x64 up to 256, then 16x128;
for more queries two warpgroups of 64x128.
"""

_FA3 = {64: (192, 192), 96: (192, 144), 128: (128, 176), 192: (128, 112), 256: (128, 80)}
_FA3_CAUSAL = _FA3 | {64: (192, 128), 128: (128, 128)}
_FA3_FP8 = {64: (192, 160), 96: (192, 128), 128: (128, 224), 192: (128, 160), 256: (128, 128)}
_FA3_FEW_ROWS = 64
"""FlashAttention-3's forward tiles, by head width. Not measured here.

Source: hopper/tile_size.h and hopper/heuristics.h of Dao-AILab/flash-attention at commit
13d0fd9cc276cb666afc88373e2d81449acdc749. There use_one_mma_wg asks for a tile of 64 rows if
heads are exactly 128 wide and a block's rows (of all heads packed into it) are at most 64;
only the tiles for 16-bit operands depend on it.
"""


def _fa3(head_dim: int, width: int, *, causal: bool, fp8: bool) -> TileRule:
    if fp8:
        return TileRule(Tile(*_FA3_FP8[width]))
    rows, keys = (_FA3_CAUSAL if causal else _FA3)[width]
    few = head_dim == 128  # noqa: PLR2004
    return TileRule(Tile(rows, keys), ((_FA3_FEW_ROWS, Tile(_FA3_FEW_ROWS, keys)),) if few else ())
