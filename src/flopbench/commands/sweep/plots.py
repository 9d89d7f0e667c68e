"""Plots of a sweep as SVG and PNG; the same report gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.commands.sweep.axis import Axis, axis_of
from flopbench.commands.sweep.charts import Head, Part, Series, chart, stacked
from flopbench.commands.sweep.table import Table
from flopbench.plotting import SETTINGS, drawing, saved
from flopbench.text import PREFIXES, prefix

COSTS = {
    "weight_bytes": "weights held",
    "weight_bytes_read": "weights read, without routed experts",
    "expected_expert_bytes_read": "routed experts' weights read, expected",
    "kv_cache_bytes": "KV cache at the end",
    "kv_cache_bytes_read": "KV cache read",
    "kv_cache_bytes_written": "KV cache written",
    "activation_bytes_read": "activations read",
    "activation_bytes_written": "activations written",
    "peak_activation_bytes": "peak live activations",
    "flops_per_byte": "arithmetic intensity",
}
"""The fields of a stage's cost that have a plot each, and their titles."""

MOST_DRAWN = 1_000
"""Points that plots show; more are hardly told apart."""

INDEX = "plots.md"
"""The page that shows all plots."""

Files = dict[str, bytes]


def draw(report: Mapping[str, Any], parts: Mapping[str, str]) -> Files:
    """Return every plot of a sweep, SVG and PNG, and a page that shows them, by file name.

    Of very many points, some are drawn.

    Raises:
        UsageError: matplotlib is not installed.
    """
    points = report["points"]
    if isinstance(points, Table):
        report = {**report, "points": points.some(report["x"], MOST_DRAWN)}
    files: Files = {}
    titles: dict[str, str] = {}
    with drawing(SETTINGS):
        for name, figure in _figures(report, parts):
            titles[name] = figure.get_suptitle()
            files |= saved(name, figure)
    return {INDEX: _index(report, titles).encode(), **files}


def _figures(report: Mapping[str, Any], parts: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    axis = axis_of(report)
    for stage in report["stages"]:
        for name, figure in _stage_figures(report, axis, stage, parts):
            yield f"{stage['name']}_{name}", figure
    for key in ("ttft", "tpot"):
        if report[f"{key}_s"] is not None:
            for unit, rate in (("FLOP/s", "tflops_per_s"), ("B/s", "gigabytes_per_s")):
                yield f"required_{key}_{rate}", _required(report, axis, key, rate, unit)


def _index(report: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Return the page of all plots: a list of their titles, then the pictures."""
    lines = [f"# Plots of {report['model']}: {report['description']}", ""]
    lines += [f"- {text}: [SVG]({name}.svg), [PNG]({name}.png)" for name, text in titles.items()]
    for name, text in titles.items():
        lines += ["", f"## {text}", "", f"![{text}]({name}.svg)"]
    return "\n".join(lines) + "\n"


def _head(report: Mapping[str, Any], title: str) -> Head:
    """Return a title, and below it what the picture alone does not show."""
    known = [report["model"], *filter(None, [report["dtype"]])]
    if report["batch_size"] is not None:
        known.append(f"batch size {report['batch_size']}")
    if report["decode_steps"] is not None:
        known.append(f"{report['decode_steps']} decode steps")
    drawn = len(report["points"])
    if report.get("num_points", drawn) > drawn:
        known.append(f"{drawn:,} of {report['num_points']:,} points")
    return Head(title, ", ".join(known))


def _scaled(
    report: Mapping[str, Any],
    axis: Axis,
    title: str,
    unit: str,
    series: Series,
    *,
    log: bool = False,
) -> Any:
    """Draw series in the decimal multiple of their unit that suits the highest value."""
    highest = max((v for values in series.values() for v in values if v), default=0)
    power = prefix(highest)
    scaled = {
        name: [None if v is None else v / 1000**power for v in values]
        for name, values in series.items()
    }
    both = log or axis.log  # over a geometric axis, growth is a straight line
    return chart(axis, _head(report, title), f"{PREFIXES[power]}{unit}", scaled, log=both)


def _stage_figures(
    report: Mapping[str, Any], axis: Axis, stage: Mapping[str, str], parts: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    name, title = stage["name"], stage["title"]
    points, labels = report["points"], report["modes"]
    flops: dict[str, list[float | None]] = {
        label: _cost(points, name, mode, "flops") for mode, label in labels.items()
    }
    vendor = [p[name]["vendor_flops"] for p in points]
    if any(v is not None for v in vendor):
        flops[f"vendor ({report['vendor_attention']}, {report['vendor_counter']})"] = vendor
    yield "flops", _scaled(report, axis, f"{title}: FLOPs", "FLOPs", flops)
    for field, what in COSTS.items():
        series = {label: _cost(points, name, mode, field) for mode, label in labels.items()}
        if any(v for values in series.values() for v in values):
            text = f"{title}: {what}"
            if field == "flops_per_byte":
                head = _head(report, text)
                yield field, chart(axis, head, "FLOPs per byte moved", series)
            else:
                yield field, _scaled(report, axis, text, "B", series)
    split = {
        f"{kind}, {label}": _cost(points, name, mode, f"{kind}_flops")
        for mode, label in labels.items()
        for kind in ("tensor", "vector")
    }
    text = f"{title}: tensor and vector FLOPs"
    yield "split", _scaled(report, axis, text, "FLOPs", split)
    if not axis.log:  # else it is logarithmic already
        text += ", logarithmic"
        yield "split_log", _scaled(report, axis, text, "FLOPs", split, log=True)
    mode = next(iter(labels))
    head = _head(report, f"{title}: share of FLOPs, {labels[mode]}")
    yield "shares", stacked(axis, head, "% of FLOPs", _shares(report, name, mode, parts))


def _cost(points: Sequence[Any], stage: str, mode: str, field: str) -> list[float | None]:
    return [p[stage]["cost"][mode][field] for p in points]


def _shares(
    report: Mapping[str, Any], stage: str, mode: str, parts: Mapping[str, str]
) -> list[Part]:
    """Return the share of each part of the model in each point's FLOPs."""
    flops = [point[stage]["cost"][mode]["parts_flops"] for point in report["points"]]
    # A stage without FLOPs has no shares.
    totals = [sum(by_part.values()) or 1 for by_part in flops]
    names = [*parts, *sorted({n for by_part in flops for n in by_part} - set(parts))]
    return [
        Part(
            parts.get(name, name),
            [100 * f.get(name, 0) / total for f, total in zip(flops, totals, strict=True)],
            number,
        )
        for number, name in enumerate(names)
        if any(by_part.get(name) for by_part in flops)
    ]


def _required(report: Mapping[str, Any], axis: Axis, key: str, rate: str, unit: str) -> Any:
    what = {"ttft": "time to first token", "tpot": "time per output token"}[key]
    kind, scale = ("compute", 1e12) if rate == "tflops_per_s" else ("memory", 1e9)
    series = {
        label: [point["required"][key][mode][rate] * scale for point in report["points"]]
        for mode, label in report["modes"].items()
    }
    title = f"Sustained {kind} for a {what} of {report[f'{key}_s']:g} s"
    return _scaled(report, axis, title, unit, series)
