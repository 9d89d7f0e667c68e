"""A survey as text: a table of the configs, their laws, and why verdicts are no better."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flopbench.commands.survey.result import Survey
from flopbench.text import (
    as_markdown,
    json_text,
    listed,
    milliseconds,
    one_line,
    plural,
    si,
    table,
    wrapped,
)

NONE = "-"

Row = Mapping[str, Any]

_FITS = {None: NONE, True: "yes", False: "no"}

_LEFT = frozenset({"config", "model", "verdict"})
"""Columns of text."""


def console(found: Survey) -> str:
    """Return the text for a terminal."""
    names = _names(found)
    cells = _cells(found, names)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [name in _LEFT for name in cells[0]]
    lines = [
        "  ".join(
            cell.ljust(width) if is_left else cell.rjust(width)
            for cell, width, is_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in cells
    ]
    remarks = [wrapped(text, indent="  ") for text in _reasons(found, names)]
    return "\n".join([*lines, "", *remarks, *([""] if remarks else []), *_summary(found)])


def markdown(found: Survey) -> str:
    """Return tables for a wiki or a pull request."""
    names = _names(found)
    header, *cells = _cells(found, names)
    lines = [f"# Survey of {plural(len(found.configs), 'config')}", ""]
    lines += [*map(as_markdown, _summary(found)), ""]
    lines += [*table(header, (map(as_markdown, row) for row in cells)), ""]
    laws = list(_laws(found, names))
    if laws:
        lines += ["## Laws", "", "FLOPs of matrix work with eager attention.", ""]
        lines += [*table(("config", "stage", "law"), laws), ""]
    notes = [*_reasons(found, names), *_notes(found, names)]
    if notes:
        lines += ["## Remarks", "", *(f"- {as_markdown(note)}" for note in notes)]
    return "\n".join(lines).rstrip()


FORMATS: Mapping[str, Callable[[Survey], str]] = {
    "console": console,
    "markdown": markdown,
    "json": lambda found: json_text(found.to_dict(), 1),
    "csv": lambda found: found.to_csv().rstrip("\n"),
}
"""How a survey can be shown, by the name that ``--format`` takes."""


def _names(found: Survey) -> list[str]:
    """Return what configs are called in tables: their paths from the folder of all of them."""
    files = [row["file"] for row in found.configs]
    try:
        top = os.path.commonpath([os.path.dirname(file) for file in files])  # noqa: PTH120
    except ValueError:  # absolute and relative ones
        top = ""
    cut = f"{top.rstrip(os.sep)}{os.sep}" if top else ""
    return [one_line(file.removeprefix(cut)) for file in files]


def _cells(found: Survey, names: Sequence[str]) -> list[list[str]]:
    """Return the header of the table, and its rows."""
    rows = [_row(found, row, name) for row, name in zip(found.configs, names, strict=True)]
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def _row(found: Survey, row: Row, name: str) -> dict[str, str]:
    stages = {stage["stage"]: stage for stage in row["stages"]}
    cells = {
        "config": name,
        "model": one_line(row["model"] or row["model_type"] or NONE),
        "parameters": _si(row["parameters"]),
        "active": _si(row["active_parameters"]),
        "weights": _si(row["weight_bytes"], "B"),
        "KV/token": _si(row["kv_bytes_per_token"], "B"),
    }
    for stage in ("prefill", "decode"):
        cells[f"{stage}/token"] = _si(stages.get(stage, {}).get("flops_per_token"), "FLOP")
    if found.gpu is not None:
        made = row["deployment"] or {}
        bound, speed = stages.get("prefill", {}).get("bound_ms"), made.get("tokens_per_s")
        cells |= {
            "prefill bound": NONE if bound is None else f"{milliseconds(bound)} ms",
            "most tokens/s": NONE if speed is None else f"{speed:,.0f}",
            "fits": _FITS[made.get("fits")],
        }
    cells["verdict"] = row["verdict"].replace("_", " ")
    return cells | ({"seconds": f"{row['seconds']:.1f}"} if "seconds" in row else {})


def _si(value: float | None, unit: str = "") -> str:
    return NONE if value is None else si(value, unit).rstrip()


def _laws(found: Survey, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for row, name in zip(found.configs, names, strict=True):
        for stage in row["stages"]:
            if stage["law"] is not None:
                yield as_markdown(name), as_markdown(stage["stage"]), f"`{stage['law']}`"


def _reasons(found: Survey, names: Sequence[str]) -> Iterator[str]:
    """Yield why verdicts are no better, each reason once with its configs."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row, name in zip(found.configs, names, strict=True):
        if row["reason"]:
            reasons.setdefault((row["verdict"], row["reason"]), []).append(name)
    for (verdict, reason), configs in reasons.items():
        yield one_line(f"{listed(configs, 'and')}: {verdict.replace('_', ' ')}: {reason}")


def _notes(found: Survey, names: Sequence[str]) -> Iterator[str]:
    """Yield what a reader must know of the models, each note once with its configs."""
    notes: dict[str, list[str]] = {}
    for row, name in zip(found.configs, names, strict=True):
        for note in row["notes"]:
            notes.setdefault(note, []).append(name)
    yield from (one_line(f"{listed(configs, 'and')}: {note}") for note, configs in notes.items())


def _summary(found: Survey) -> list[str]:
    """Return how many configs have which verdict, and what was left out."""
    counts = [f"{number} {name.replace('_', ' ')}" for name, number in found.verdicts.items()]
    text = f"{plural(len(found.configs), 'config')}: {listed(counts, 'and')}"
    if found.skipped:
        text += f"; {plural(found.skipped, 'other JSON file')} skipped"
    if found.gpu is not None:
        text += f"; bounds on {found.gpu}"
    return [text, *map(one_line, found.notes)]
