"""The matrix product behind an op, and what a kernel of a known tile executes for it.

No command needs it. It explains what a GPU executed, in docs/executed-work.md and in the tests
that check every measured kernel against its prediction.
"""

from __future__ import annotations

import re
from itertools import pairwise
from math import prod

from attrs import frozen

from flopbench.conventions import MAC_FLOPS
from flopbench.dims import ceil_div
from flopbench.kernels.gemm_tiles import GemmTile, tile_of

_UNNAMED_K = 32
"""The k of CUTLASS's align1 kernels, whose names omit it; read off the measurements."""


@frozen
class Product:
    """``batch`` products of m x k by k x n; the output's rows are contiguous along n.

    Attributes:
        groups: rows of each group of a grouped product, padded in place of m; each group has
            operands of its own.
    """

    batch: int
    m: int
    n: int
    k: int
    groups: tuple[int, ...] = ()

    @property
    def useful_flops(self) -> int:
        """FLOPs of the product itself."""
        return MAC_FLOPS * self.batch * self.m * self.n * self.k

    def executed_flops(self, tile: GemmTile, splits: int = 1) -> int:
        """Return the FLOPs of whole tiles, and of whole clusters where blocks run in clusters.

        Args:
            splits: parts that k is split into, each of whole tiles.
        """
        k = tile.k or _UNNAMED_K
        depth = _whole(_whole(self.k, k), splits * k)
        return MAC_FLOPS * self.batch * self._area(tile) * depth

    def splits(self, tile: GemmTile, grid: str) -> int:
        """Return how many parts k is split into, from the number of blocks in a split-K grid."""
        blocks = prod(int(side) for side in re.findall(r"\d+", grid))
        return blocks * tile.m * tile.n // (self.batch * self._area(tile))

    def _area(self, tile: GemmTile) -> int:
        """Return the padded output's size. A kernel's m runs along n: BLAS is column-major."""
        across, down = tile.m * tile.cluster[0], tile.n * tile.cluster[1]
        rows = sum(_whole(rows, down) for rows in self.groups or (self.m,))
        return _whole(self.n, across) * rows


def executed_flops(product: Product, kernel: str, grid: str) -> int | None:
    """Return the FLOPs that one launch executes for a product; None if the name gives no tile."""
    tile = tile_of(kernel)
    if tile is None:
        return None
    return product.executed_flops(tile, product.splits(tile, grid) if "splitK" in kernel else 1)


def _whole(side: int, tile: int) -> int:
    return int(ceil_div(side, tile)) * tile


def product_of(op: str, operands: str) -> Product | None:
    """Return a torch op as a matrix product, or None if it is not one.

    Args:
        operands: as `ncu_ranges` writes them: shapes, and lists of numbers in brackets.
    """
    numbers = [[int(n) for n in re.findall(r"\d+", text)] for text in operands.split()]
    shapes = [n for n, text in zip(numbers, operands.split(), strict=True) if text[0] != "["]
    lists = [n for n, text in zip(numbers, operands.split(), strict=True) if text[0] == "["]
    name = op.removeprefix("aten.")
    if name in {"mm", "addmm"}:
        (m, k), (_, n) = shapes[-2:]
        return Product(1, m, n, k)
    if name in {"bmm", "baddbmm"}:
        (batch, m, k), (_, _, n) = shapes[-2:]
        return Product(batch, m, n, k)
    if name == "convolution":
        return _convolution(shapes, lists)
    if name == "_grouped_mm":
        (m, k), (_, _, n) = shapes[:2]
        return Product(1, m, n, k, tuple(b - a for a, b in pairwise((0, *lists[0]))))
    return None


def _convolution(shapes: list[list[int]], lists: list[list[int]]) -> Product:
    """Return a 2-D convolution of one group as its kernels compute it: channels x positions.

    NCHW is contiguous along the positions, so they are the n side.
    """
    (images, _, *size), (outputs, inputs, *window) = shapes[:2]
    strides, padding = lists[:2]
    positions = images
    for side, taps, stride, pad in zip(size, window, strides, padding, strict=True):
        positions *= (side + 2 * pad - taps) // stride + 1
    return Product(1, outputs, positions, inputs * window[0] * window[1])
