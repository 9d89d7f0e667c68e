"""Columns of numbers, one per point, assembled from blocks of points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from flopbench.dims import is_array
from flopbench.errors import DimError

Column = Any
"""One value per point: an array (of int64, float64 or Python's objects), or the value of all."""

_EXACT = 2**53
"""Whole numbers up to here are floats, too."""


def values_of(column: Column, count: int) -> list[Any]:
    """Return a column as Python's values, one per point."""
    return list(column.tolist()) if is_array(column) else [column] * count


def objects(values: Iterable[Any]) -> Column:
    """Return any values, one per point, as a column."""
    import numpy as np

    listed = [*values]
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column


def at_rows(column: Column, rows: Any) -> Column:
    """Return a column at some of its points.

    Args:
        rows: a slice, or an array of places.
    """
    return column[rows] if is_array(column) else column


def concatenated(columns: Sequence[Column], counts: Sequence[int]) -> Column:
    """Return the columns of several groups of points as one.

    Args:
        counts: points of each group.
    """
    import numpy as np

    first = columns[0]
    if not any(map(is_array, columns)) and len({(type(c), repr(c)) for c in columns}) == 1:
        return first
    kinds = set(map(_kind, columns))
    kind = {"i": np.int64, "f": np.float64}.get("".join(kinds), object)
    if not any(map(is_array, columns)) and len(columns) == sum(counts):
        return objects(columns).astype(kind, copy=False)
    whole = np.empty(sum(counts), dtype=kind)
    start = 0
    for column, count in zip(columns, counts, strict=True):
        as_they_are = is_array(column) and kind is not object
        rows = column if as_they_are else objects(values_of(column, count))
        whole[start : start + count] = rows
        start += count
    return whole


def _kind(column: Column) -> str:
    """Return ``f`` for floats, ``i`` for what fits int64, ``O`` for all else."""
    if is_array(column):
        return str(column.dtype.kind)
    if type(column) is int:
        return "i" if -(2**63) <= column < 2**63 else "O"
    return "f" if type(column) is float else "O"


def divided(whole: Column, by: Column) -> Column:
    """Divide as Python does, which rounds a quotient of whole numbers once; None by 0."""
    if not is_array(by) and (not by or not is_array(whole)):
        return whole / by if by else None
    import numpy as np

    kinds = "".join(sorted({_kind(whole), _kind(by)}))
    # Python converts a whole number to a float if the other one is; small ones are floats anyway.
    as_floats = kinds in {"f", "fi"} or (kinds == "i" and _small(whole) and _small(by))
    if as_floats and np.all(np.asarray(by)):
        return np.asarray(whole, dtype=np.float64) / np.asarray(by, dtype=np.float64)
    count = max(len(column) for column in (whole, by) if is_array(column))
    pairs = zip(values_of(whole, count), values_of(by, count), strict=True)
    return objects(a / b if b else None for a, b in pairs)


def _small(column: Column) -> bool:
    import numpy as np

    return bool(np.all(np.abs(np.asarray(column)) <= _EXACT))


def total(columns: Iterable[Column]) -> Column:
    """Add columns up as Python does: whole numbers exactly, beyond int64 if need be."""
    return reduce(_added, columns, 0)


def _added(one: Column, other: Column) -> Column:
    if not (is_array(one) or is_array(other)):
        return one + other
    import numpy as np

    kinds = {_kind(one), _kind(other)}
    if kinds == {"i"}:
        from flopbench.dims.arrays import IntArray

        try:
            return IntArray.of(one) + other if is_array(one) else one + IntArray.of(other)
        except DimError:
            kinds.add("O")
    if "O" in kinds:
        one, other = (np.asarray(each).astype(object) for each in (one, other))
    return np.asarray(one) + np.asarray(other)


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
