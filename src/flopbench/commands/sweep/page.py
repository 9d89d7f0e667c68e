"""A sweep as one HTML file, in the place of a plot for each cost of each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.commands.sweep.axis import Axis, axis_of
from flopbench.commands.sweep.table import Table as Held
from flopbench.commands.sweep.text import fallback_notes, head, to_markdown
from flopbench.commands.sweep.verdict import Verdict as Outcome
from flopbench.pages import (
    Block,
    Chart,
    Column,
    Lines,
    Measure,
    Page,
    Section,
    Table,
    Verdict,
    as_text,
    html,
)
from flopbench.pages.blocks import Cell, Number, Tone
from flopbench.text import key_values, si

COSTS = {
    "flops": ("FLOPs", "FLOP"),
    "tensor_flops": ("tensor FLOPs", "FLOP"),
    "vector_flops": ("vector FLOPs", "FLOP"),
    "expected_bytes_moved": ("bytes moved", "B"),
    "weight_bytes": ("weights held", "B"),
    "weight_bytes_read": ("weights read, without routed experts", "B"),
    "expected_expert_bytes_read": ("routed experts' weights read, expected", "B"),
    "kv_cache_bytes": ("KV cache at the end", "B"),
    "kv_cache_bytes_read": ("KV cache read", "B"),
    "kv_cache_bytes_written": ("KV cache written", "B"),
    "activation_bytes_read": ("activations read", "B"),
    "activation_bytes_written": ("activations written", "B"),
    "peak_activation_bytes": ("peak activations", "B"),
    "largest_tensor_bytes": ("largest tensor", "B"),
    "flops_per_byte": ("FLOPs per byte moved", "FLOP/B"),
}
"""Fields of a stage's cost with their titles and units."""

_IN_TABLE = (
    *("flops", "tensor_flops", "vector_flops", "expected_bytes_moved", "weight_bytes"),
    *("kv_cache_bytes", "peak_activation_bytes", "largest_tensor_bytes"),
)
_RATES = {"tflops_per_s": ("compute", "FLOP/s", 1e12), "gigabytes_per_s": ("memory", "B/s", 1e9)}
_TONES: Mapping[str, Tone] = {"verified": "good", "nothing": "neutral"}
_TARGETS = {"ttft": "time to first token", "tpot": "time per output token"}

Report = Mapping[str, Any]
Values = dict[str, Sequence[Number | None]]


MOST_SHOWN = 500
"""Points on a page; of more, some are shown."""


def to_html(report: Report, verdict: Outcome | None = None) -> str:
    """Return the page of a sweep.

    Args:
        verdict: that of the report, if it is known.
    """
    return html(page(report, verdict))


def page(report: Report, verdict: Outcome | None = None) -> Page:
    """Return what the page of a sweep shows."""
    said = (verdict or Outcome.of(report)).text(report).removeprefix("verdict: ")
    report = _some(report)
    tone = _TONES.get(said.partition(" ")[0].strip(",:"), "bad")
    axis = axis_of(report)
    stages = [
        Section(stage["title"], tuple(_stage(report, axis, stage["name"])))
        for stage in report["stages"]
    ]
    return Page(
        title=f"{report['model']}: {report['description']}",
        verdict=Verdict(said, tone),
        about=[head(report), *_left_out(report)],
        sections=[*stages, *_required(report, axis), Section("Notes", tuple(_notes(report)))],
    )


def _some(report: Report) -> Report:
    """Return a report whose points are a list, not longer than a page shows."""
    points = report["points"]
    if isinstance(points, Held):
        points = points.some(report["x"], MOST_SHOWN)
    elif len(points) > MOST_SHOWN:  # another process made them
        points = points[:: -(-len(points) // MOST_SHOWN)]
    return {**report, "points": list(points)}


def _left_out(report: Report) -> Iterator[str]:
    shown = len(report["points"])
    if report["num_points"] > shown:
        yield f"This page has {shown:,} of {report['num_points']:,} points."


def _stage(report: Report, axis: Axis, stage: str) -> Iterator[Block]:
    measures = [*_measures(report, axis, stage), *_shares(report, axis, stage)]
    yield _chart(report, axis, "Costs", measures)
    yield _table(report, stage)


def _chart(report: Report, axis: Axis, title: str, measures: Sequence[Measure]) -> Chart:
    names = [point["label"] for point in report["points"]]
    return Chart(
        title=title,
        x=axis.name if axis.ticks is None else "point",
        points=list(axis.xs) if axis.ticks is None else names,
        measures=measures,
        log_x=axis.log,
        log_y=axis.log,
        labels=names,
    )


def _measures(report: Report, axis: Axis, stage: str) -> Iterator[Measure]:
    for field, (title, unit) in COSTS.items():
        values: Values = {
            label: [point[stage]["cost"][mode].get(field) for point in report["points"]]
            for mode, label in report["modes"].items()
        }
        if field == "flops" and report["vendor_counter"]:
            label = f"vendor ({report['vendor_attention']}, {report['vendor_counter']})"
            values = {label: [p[stage]["vendor_flops"] for p in report["points"]], **values}
        known = {name: v for name, v in values.items() if any(v)}
        if known:
            yield Measure(title, unit, _lines(axis, known))


def _lines(axis: Axis, values: Values) -> Values:
    """Return a series per line: points that differ in more than x are on lines of their own."""
    if axis.ticks is not None or len(axis.groups) == 1:
        return values
    return {
        f"{name}, {group}" if group else name: [
            value if index in members else None for index, value in enumerate(found)
        ]
        for name, found in values.items()
        for group, members in ((group, set(held)) for group, held in axis.groups.items())
    }


def _shares(report: Report, axis: Axis, stage: str) -> Iterator[Measure]:
    """Yield the parts of the model in each mode; over several lines they could not be stacked."""
    if axis.ticks is None and len(axis.groups) > 1:
        return
    for mode, label in report["modes"].items():
        parts = [point[stage]["cost"][mode]["parts_flops"] for point in report["points"]]
        names = dict.fromkeys(name for found in parts for name, flops in found.items() if flops)
        if len(names) > 1:
            flops = {name: [found.get(name, 0) for found in parts] for name in names}
            yield Measure(f"FLOPs by part, {label}", "FLOP", flops, stacked=True)


def _table(report: Report, stage: str) -> Table:
    columns = [Column("point"), Column(report["size"].replace("_", " "), "plain")]
    columns += [Column("attention")]
    columns += [Column(COSTS[name][0], "number", COSTS[name][1]) for name in _IN_TABLE]
    columns += [Column("vendor", "number", "FLOP"), Column("eager - vendor", "number", "FLOP")]
    rows: list[list[Cell]] = []
    for point in report["points"]:
        found = point[stage]
        for mode, cost in found["cost"].items():
            theirs = mode in report["compared"]
            vendor = found["vendor_error"] or found["vendor_flops"] if theirs else None
            difference = found["difference"] if theirs else None
            costs = [cost.get(name) for name in _IN_TABLE]
            size = point.get(report["size"])
            rows.append([point["label"], size, mode, *costs, vendor, difference])
    return Table("Each point", columns, rows)


def _required(report: Report, axis: Axis) -> Iterator[Section]:
    for key, what in _TARGETS.items():
        if report[f"{key}_s"] is None:
            continue
        measures = [
            Measure(name, unit, _lines(axis, _rates(report, key, rate, scale)))
            for rate, (name, unit, scale) in _RATES.items()
        ]
        title = f"For a {what} of {si(report[f'{key}_s'], 's')}"
        yield Section(title, [_chart(report, axis, "Sustained rates", measures)])


def _rates(report: Report, key: str, rate: str, scale: float) -> Values:
    return {
        label: [point["required"][key][mode][rate] * scale for point in report["points"]]
        for mode, label in report["modes"].items()
    }


def _notes(report: Report) -> Iterator[Block]:
    if lines := [*report["notes"], *fallback_notes(report)]:
        yield Lines("What to know of these numbers", lines)
    settled = [
        line
        for name in ("versions", "vendor", "config")
        for line in key_values(report.get(name) or {}, f"{name}.")
    ]
    yield Lines("Versions and settings", settled, monospace=True, closed=True)
    yield as_text(to_markdown(report))
