"""A survey as a flat table, as CSV and Parquet hold it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flopbench.commands.survey.facts import WORKLOAD
from flopbench.errors import UsageError
from flopbench.text import visible

if TYPE_CHECKING:
    from flopbench.commands.survey.result import Survey

_HEAD = (
    *("file", "model_type", "model", "verdict", "reason", "parameters", "active_parameters"),
    *("weight_bytes", "kv_cache_bytes", "kv_bytes_per_token"),
)
_OF_STAGE = ("law", "flops", "flops_per_token", "bound_ms")
_DEPLOYMENT = ("gpu", "attention", "fits", "needed_bytes", "tokens_per_s")
_COUNTS = (*("parameters", "active_parameters", "weight_bytes", "kv_cache_bytes"), *WORKLOAD)
_INT64 = range(-(2**63), 2**63)


def rows(found: Survey) -> Iterator[dict[str, Any]]:
    """Yield a row per config, with the same columns in each."""
    names = dict.fromkeys(stage["stage"] for row in found.configs for stage in row["stages"])
    for row in found.configs:
        stages = {stage["stage"]: stage for stage in row["stages"]}
        flat = {name: row[name] for name in _HEAD} | dict(row["workload"])
        for stage in names:
            values = stages.get(stage, {})
            flat |= {f"{stage}_{name}": values.get(name) for name in _columns_of(found)}
        if found.gpu is not None:
            made = row["deployment"] or {}
            flat |= {name: made.get(name) for name in _DEPLOYMENT}
        flat["notes"] = "; ".join(row["notes"]) or None
        yield flat | ({"seconds": row["seconds"]} if "seconds" in row else {})


def _columns_of(found: Survey) -> Sequence[str]:
    return [name for name in _OF_STAGE if name != "bound_ms" or found.gpu is not None]


def parquet(found: Survey) -> bytes:
    """Return the table as a Parquet file; what exceeds 64 bits is a decimal.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(
            "survey.parquet needs pyarrow (pip install 'flopbench[parquet]')"
        ) from error
    table: dict[str, list[Any]] = {}
    for row in rows(found):
        for name, value in row.items():
            table.setdefault(name, []).append(visible(value) if isinstance(value, str) else value)
    arrays = {name: _array(pa, name, values) for name, values in table.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink)
    return sink.getvalue()


def _array(pa: Any, name: str, values: Sequence[Any]) -> Any:
    """Return a column whose type follows from its name, whichever rows there are."""
    if name == "fits":
        return pa.array(values, pa.bool_())
    if name.endswith(("_per_token", "_per_s", "_ms", "seconds")):
        return pa.array(values, pa.float64())
    if name not in _COUNTS and not name.endswith(("_flops", "_bytes")):
        return pa.array(values, pa.string())
    if all(value is None or value in _INT64 for value in values):
        return pa.array(values, pa.int64())
    exact = [None if value is None else Decimal(value) for value in values]
    return pa.array(exact, pa.decimal256(76, 0))


def written(found: Survey) -> Mapping[str, Any]:
    """Return what ``--out`` writes, by file name, each as a function."""
    return {
        "survey.json": lambda: found.to_json(1) + "\n",
        "survey.csv": found.to_csv,
        "survey.md": lambda: found.to_markdown() + "\n",
        "survey.parquet": lambda: parquet(found),
    }
