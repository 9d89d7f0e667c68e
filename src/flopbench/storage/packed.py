"""The quantised weight matrix: one description that all schemes fill in.

A matrix of [rows, columns] is stored as codes of a few bits, packed into words, with one scale
(and perhaps one zero point) per block of the matrix, and a few bytes more. What libraries call
different methods are different blocks, words and types.
"""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, ceil_div, maximum
from flopbench.storage.dtypes import bytes_of, packed_bytes
from flopbench.storage.matrix import Matrix
from flopbench.storage.scheme import Scheme, Stored

MOST_BITS = 8
"""Bits of the longest codes."""

SECOND_LEVEL = "float32"
"""Dtype of scales of scales in every scheme."""


@frozen(kw_only=True)
class Packed(Scheme):
    """Weights as codes in words, with scales per block.

    Attributes:
        bits: bits of a code.
        word: bits of the words that hold codes and zero points.
        along: the side whose codes share words: a row's (``columns``), a column's (``rows``), or
            those of the whole matrix, one after the other (``flat``). A flat matrix is one row
            for its blocks, too.
        block: rows and columns that share a scale; None for all of the matrix.
        scale: dtype of the scales.
        second: scales that share a scale of the second level, in float32; None for all of the
            matrix, 0 if there is no such level.
        zero: bits of a zero point, of which each scale has one; 0 for none. They are packed down
            the rows of a column of blocks.
        per_column: further bytes per column, such as the column's group.
        constant: further bytes per matrix, such as a table of values.
        activations: bytes of the scales of activations that are stored with a matrix.
        together: whether what a usual checkpoint has as ``Matrix.joined`` layers is one matrix;
            if not, each layer is packed by itself.
    """

    name: str
    bits: int
    word: int = 8
    along: Literal["columns", "rows", "flat"] = "columns"
    block: tuple[int | None, int | None] = (1, None)
    scale: str = "float32"
    second: int | None = 0
    zero: int = 0
    per_column: int = 0
    constant: int = 0
    activations: int = 0
    together: bool = False
    compute: str | None = None

    def __attrs_post_init__(self) -> None:
        """Check what files and callers choose.

        Raises:
            ValueError: codes have no bits or too many, or a block has no rows or columns.
        """
        if not 1 <= self.bits <= MOST_BITS:
            raise ValueError(f"bits must be from 1 to {MOST_BITS}, got {self.bits}")
        if any(size is not None and size < 1 for size in self.block):
            raise ValueError(f"a block must have rows and columns, got {self.block}")

    def stored(self, matrix: Matrix) -> Stored:
        one = self._one(matrix)
        rows, columns = self._grid(one)
        scales = rows * columns
        scale_bytes = bytes_of(scales, self.scale) + self.activations
        scale_bytes = scale_bytes + bytes_of(_blocks(scales, self.second), SECOND_LEVEL)
        zeros = columns * packed_bytes(rows, self.zero, self.word) if self.zero else 0
        rest = self.constant + self.per_column * one.columns
        return Stored(
            one.copies * self._codes(one),
            one.copies * scale_bytes,
            one.copies * (zeros + rest),
        )

    def _one(self, matrix: Matrix) -> Matrix:
        """Return the matrices that are packed one by one."""
        if not self.together:
            matrix = attrs.evolve(
                matrix,
                rows=matrix.rows // matrix.joined,
                copies=matrix.copies * matrix.joined,
                joined=1,
            )
        if self.along == "flat":
            matrix = attrs.evolve(matrix, rows=1, columns=matrix.rows * matrix.columns)
        return matrix

    def _codes(self, one: Matrix) -> Dim:
        lines, length = one.rows, one.columns
        if self.along == "rows":
            lines, length = length, lines
        return lines * packed_bytes(length, self.bits, self.word)

    def _grid(self, one: Matrix) -> tuple[Dim, Dim]:
        """Return the blocks down and across; joined layers never share all of them."""
        rows, columns = self.block
        down, across = _blocks(one.rows, rows), _blocks(one.columns, columns)
        return (maximum(down, one.joined) if one.joined > 1 else down), across


def _blocks(length: Dim, size: int | None) -> Dim:
    """Return the blocks that cover a length; None for one of any length, 0 for no blocks."""
    if size is None:
        return 1
    return 0 if size == 0 else length if size == 1 else ceil_div(length, size)
