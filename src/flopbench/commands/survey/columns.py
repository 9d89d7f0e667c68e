"""A survey as a flat table, as CSV and Parquet hold it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flopbench.errors import UsageError

if TYPE_CHECKING:
    from flopbench.commands.survey.result import Survey

_HEAD = (
    *("file", "model_type", "model", "verdict", "reason", "parameters", "active_parameters"),
    *("weight_bytes", "kv_cache_bytes", "kv_bytes_per_token"),
)
_OF_STAGE = ("law", "flops", "flops_per_token", "bound_ms")
_DEPLOYMENT = ("gpu", "attention", "fits", "needed_bytes", "tokens_per_s")


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
    """Return the table as a Parquet file.

    Raises:
        UsageError: pyarrow is not installed.
    """
    from flopbench.values.parquet import parquet_file

    with TemporaryDirectory() as folder:
        file = Path(folder, "survey.parquet")
        parquet_file(file, list(rows(found)))
        return file.read_bytes()


def files(found: Survey) -> tuple[dict[str, str | bytes], str | None]:
    """Return what ``--out`` writes, by file name, and why something of it is left out."""
    made: dict[str, str | bytes] = {
        "survey.json": found.to_json(1) + "\n",
        "survey.csv": found.to_csv(),
        "survey.md": found.to_markdown() + "\n",
    }
    try:
        made["survey.parquet"] = parquet(found)
    except UsageError as error:  # the rest needs no pyarrow
        return made, f"{error}; survey.parquet is not written"
    return made, None
