"""The files of a finished sweep."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flopbench.commands.sweep.as_csv import csv_pieces
from flopbench.commands.sweep.as_json import json_pieces
from flopbench.commands.sweep.page import to_html
from flopbench.commands.sweep.rows import row_blocks
from flopbench.commands.sweep.text import to_markdown
from flopbench.commands.sweep.verdict import Verdict
from flopbench.errors import UsageError, unknown
from flopbench.inputs.options import Names, some
from flopbench.values.files import Content
from flopbench.values.parquet import ParquetWriter, require_pyarrow

NAMES = {
    "json": "sweep.json",
    "csv": "sweep.csv",
    "markdown": "sweep.md",
    "html": "sweep.html",
    "parquet": "sweep.parquet",
}
"""The file of each format."""

DEFAULT = ("json", "csv", "markdown", "html")


def formats_of(given: Names) -> Sequence[str]:
    """Return the formats that an option names, or those without one.

    Raises:
        UsageError: a name is unknown, or none is given.
    """
    if given is None:
        return DEFAULT
    chosen = some("--format", given)
    for name in chosen:
        if name not in NAMES:
            raise UsageError(unknown("format of a sweep", name, NAMES))
    return chosen


def check_formats(formats: Collection[str], *, nowhere: bool) -> None:
    """Refuse formats that cannot be written, before any work.

    Args:
        nowhere: whether they were asked for, and no folder for them was given.

    Raises:
        UsageError: there are such.
    """
    if nowhere:
        raise UsageError("--format names the files of --out DIR, which is not given")
    if "parquet" in formats:
        require_pyarrow(", or leave parquet out of --format")


def contents(
    report: Mapping[str, Any], formats: Collection[str], verdict: Verdict
) -> dict[str, Content]:
    """Return the files of a sweep by name, without its plots: what holds many rows is streamed."""
    made: Mapping[str, Content] = {
        "json": _written(lambda: json_pieces(report)),
        "csv": _written(lambda: csv_pieces(report)),
        "markdown": to_markdown(report, verdict) if "markdown" in formats else "",
        "html": to_html(report, verdict) + "\n" if "html" in formats else "",
        "parquet": lambda path: _write_parquet(path, report),
    }
    return {NAMES[name]: made[name] for name in dict.fromkeys(formats)}


def _written(pieces: Callable[[], Iterable[str]]) -> Content:
    return lambda path: _write(path, pieces())


def _write(path: Path, pieces: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(pieces)


def _write_parquet(path: Path, report: Mapping[str, Any]) -> None:
    with ParquetWriter(path) as writer:
        for block in row_blocks(report):
            writer.add(block)
