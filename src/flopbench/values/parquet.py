"""Tables as Parquet files, written block by block (needs pyarrow, the extra ``parquet``).

A column has one type. A number that does not fit the type so far widens the whole column: null,
then int64, decimal128 and decimal256 for whole numbers, which stay exact; double where some are
not whole; text where a column mixes anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flopbench.errors import UsageError
from flopbench.text import visible

Block = Mapping[str, Sequence[Any]]
"""Rows by column: lists of plain values, or arrays of numbers, all of one length."""

_WHOLE = ("int64", "decimal128", "decimal256")
_DIGITS = {"decimal128": 38, "decimal256": 76}
_INT64 = range(-(2**63), 2**63)


def require_pyarrow(otherwise: str = "") -> None:
    """Refuse to write Parquet without pyarrow, before any work.

    Args:
        otherwise: what the user may do instead; it ends the sentence.

    Raises:
        UsageError: pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError(f"Parquet needs pyarrow (pip install 'flopbench[parquet]'){otherwise}")


def parquet_file(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of plain values; what a row lacks is null.

    Raises:
        UsageError: as of `ParquetWriter`.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    with ParquetWriter(path) as writer:
        writer.add({name: [row.get(name) for row in rows] for name in names})


class ParquetWriter:
    """Writes a file block by block, in the memory of one block; a context manager.

    A column that a block lacks is null there.

    Raises:
        UsageError: pyarrow is not installed, or a whole number has more than 76 digits.
    """

    def __init__(self, path: Path) -> None:
        require_pyarrow()
        self._path = path
        self._kinds: dict[str, str] = {}
        self._writer: Any = None

    def add(self, block: Block) -> None:
        """Write some rows."""
        found = {name: (_kind(name, values), values) for name, values in block.items()}
        before, self._kinds = self._kinds, dict(self._kinds)
        for name, (kind, _) in found.items():
            self._kinds[name] = _common(self._kinds.get(name, "null"), kind)
        count = len(next(iter(block.values()), ()))
        arrays = {
            name: _array(kind, found[name][1] if name in found else [None] * count)
            for name, kind in self._kinds.items()
        }
        if self._writer and self._kinds != before:
            self._widen()
        self._write(arrays)

    def _write(self, arrays: Mapping[str, Any]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.table(dict(arrays))
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def _widen(self) -> None:
        """Write the rows so far again, with the present types."""
        from pyarrow import parquet

        self._writer.close()
        before = self._path.with_name(f"{self._path.name}.narrow")
        self._path.rename(before)
        try:
            self._writer = None
            with parquet.ParquetFile(before) as file:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group)
                    lacking = [None] * table.num_rows
                    self._write(
                        {
                            name: _cast(kind, table[name])
                            if name in table.column_names
                            else _array(kind, lacking)
                            for name, kind in self._kinds.items()
                        }
                    )
        finally:
            before.unlink()

    def close(self) -> None:
        """Finish the file: without rows, it has no columns."""
        if self._writer is None:
            self._write({})
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif self._writer is not None:
            self._writer.close()


def _kind(name: str, values: Sequence[Any]) -> str:
    """Return the narrowest type of a column that holds these values."""
    dtype = getattr(values, "dtype", None)
    if dtype is not None and dtype.kind in "if":
        return "int64" if dtype.kind == "i" else "double"
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {int}:
        return _whole(name, [value for value in values if value is not None])
    if not kinds:
        return "null"
    if kinds <= {int, float}:
        return "double"
    return "bool" if kinds == {bool} else "string"


def _whole(name: str, values: Iterable[int]) -> str:
    known = [*values]
    extremes = min(known), max(known)
    if all(value in _INT64 for value in extremes):
        return "int64"
    longest = max(extremes, key=abs)
    for kind, digits in _DIGITS.items():
        if abs(longest) < 10**digits:
            return kind
    raise UsageError(
        f"Parquet has no whole numbers of more than 76 digits, and one of {visible(name)} is "
        f"{Decimal(longest):.3e}: use JSON or CSV"
    )


def _common(one: str, other: str) -> str:
    """Return the narrowest type that holds the values of both."""
    kinds = {one, other} - {"null"}
    if len(kinds) <= 1:
        return next(iter(kinds), "null")
    if kinds <= {*_WHOLE}:
        return max(kinds, key=_WHOLE.index)
    return "double" if kinds <= {*_WHOLE, "double"} else "string"


def _type(kind: str) -> Any:
    import pyarrow as pa

    if kind in _DIGITS:
        return getattr(pa, kind)(_DIGITS[kind], 0)
    return {"null": pa.null(), "double": pa.float64(), "bool": pa.bool_()}.get(
        kind, pa.int64() if kind == "int64" else pa.string()
    )


def _array(kind: str, values: Any) -> Any:
    """Return values as an Arrow array of a type that holds them."""
    import pyarrow as pa

    if hasattr(values, "dtype"):
        import numpy as np

        values = np.asarray(values).view(np.ndarray)
        if values.dtype.kind in "if" and kind in {"int64", "double"}:
            return pa.array(values, type=_type(kind), safe=False)
        values = values.tolist()
    if kind in _DIGITS:
        values = [None if value is None else Decimal(value) for value in values]
    elif kind == "double":
        values = [None if value is None else float(value) for value in values]
    elif kind == "string":
        values = [None if value is None else visible(str(value)) for value in values]
    return pa.array(values, type=_type(kind))


def _cast(kind: str, column: Any) -> Any:
    """Return a column that was read, in a type that holds it."""
    if kind == "string":
        return _array(kind, column.to_pylist())
    return column.cast(_type(kind), safe=False)
