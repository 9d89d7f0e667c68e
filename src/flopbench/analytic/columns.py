"""Columns of numbers, one per point, assembled from blocks of points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopbench.dims import is_array

Column = Any
"""One number per point: an array, or a plain number that all points share."""


class Joined:
    """Columns assembled from blocks: a number stays a number while all blocks agree on it.

    A column that equals another mode's is stored once: modes differ in few columns.

    Args:
        count: points in all blocks.
        size: points per block; the last one may have fewer.
        other: the columns of that other mode, which get each block before these do.
    """

    def __init__(self, count: int, size: int, other: Joined | None) -> None:
        self.columns: dict[str, Column] = {}
        self.block: Mapping[str, Column] = {}
        self._count, self._size, self._other = count, size, other
        self._shared: set[str] = set()

    def put(self, start: int, block: Mapping[str, Column]) -> None:
        for name, value in block.items():
            if not (self._other and self._share(self._other, start, name, value)):
                self._put(start, name, value)
        self.block = block

    def _share(self, other: Joined, start: int, name: str, value: Column) -> bool:
        """Share the other mode's column as long as all blocks are equal."""
        import numpy as np

        if name not in other.block or (start and name not in self._shared):
            return False
        whole = other.columns[name]
        if np.array_equal(value, other.block[name]):
            self._shared.add(name)
            self.columns[name] = whole
            return True
        self._shared.discard(name)
        if start:
            # The rows so far are equal; from here on the columns differ.
            self.columns[name] = whole.copy() if is_array(whole) else whole
        return False

    def _put(self, start: int, name: str, value: Column) -> None:
        whole = self.columns.get(name, value if start == 0 else 0)
        if is_array(value) or is_array(whole) or value != whole:
            whole = self._with(whole, start, value)
        self.columns[name] = whole

    def _with(self, whole: Column, start: int, value: Column) -> Column:
        import numpy as np

        if is_array(value) and len(value) == self._count:
            return value
        if not (is_array(whole) and len(whole) == self._count):
            kind = np.float64 if np.asarray(value).dtype.kind == "f" else np.int64
            before = 0 if is_array(whole) else whole
            whole = np.full(self._count, before, dtype=kind)
        whole[start : start + self._size] = value
        return whole
