"""Tables of a result, as CSV and as a pandas data frame; and text as Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flopbench.errors import UsageError
from flopbench.text import cell

_INT64 = range(-(2**63), 2**63)


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows with a header of all their columns; what a row lacks is empty."""
    text = io.StringIO()
    rows = list(rows)
    writer = csv.DictWriter(text, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def data_frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows as a pandas data frame; see `frame`."""
    return frame({name: [row.get(name) for row in rows] for name in _columns(rows)})


def frame(columns: Mapping[str, Any]) -> Any:
    """Return columns, lists or arrays, as a pandas data frame.

    A column of integers has the type int64, or Int64 if some are missing. Larger integers stay
    Python's own, since floats would round them.

    Raises:
        UsageError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UsageError("to_pandas needs pandas (pip install 'flopbench[pandas]')") from error
    return pd.DataFrame(
        {name: pd.Series(values, dtype=_dtype(values)) for name, values in columns.items()}
    )


def _dtype(values: Any) -> str | None:
    """Return the type of a column; None where pandas may choose."""
    if hasattr(values, "dtype") and values.dtype != object:
        return None
    known = [value for value in values if value is not None]
    if not known:
        return "object"
    if not any(type(value) is int for value in known):
        return None
    if not all(type(value) is int and value in _INT64 for value in known):
        return "object"
    return "int64" if len(known) == len(values) else "Int64"


def fenced(text: str) -> str:
    """Return text as a block of Markdown that shows it as it is."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
