"""Plots of a sweep as SVG and PNG, readable in print and by colour-blind eyes.

Each series differs from the others in colour (Okabe and Ito's palette, Color Universal
Design, 2008), marker and line style. The same report gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.errors import UsageError

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
HATCHES = ("", "//", "--", "xx", "\\\\", "++", "||")
_LABELLED = 8
"""So many points are named at most, so that names do not overlap."""

SETTINGS = {
    "svg.hashsalt": "flopbench",
    "svg.fonttype": "none",
    "path.simplify": True,
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "figure.figsize": (7, 4.5),
    "legend.frameon": False,
}

COSTS = {
    "weight_bytes": "Weights held",
    "weight_bytes_read": "Weights read, routed experts apart",
    "expected_expert_bytes_read": "Routed experts' weights read, expected",
    "kv_cache_bytes": "KV cache at the end",
    "kv_cache_bytes_read": "KV cache read",
    "kv_cache_bytes_written": "KV cache written",
    "activation_bytes_read": "Activations read",
    "activation_bytes_written": "Activations written",
    "peak_activation_bytes": "Peak live activations",
    "flops_per_byte": "Arithmetic intensity",
}
"""The fields of a stage's cost that have a plot each, and their titles."""

Files = dict[str, bytes]
Series = Mapping[str, Sequence[float | None]]


def draw(report: Mapping[str, Any], parts: Mapping[str, str]) -> Files:
    """Return every plot of a sweep, SVG and PNG, by file name.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UsageError(
            "plots need matplotlib (pip install 'flopbench[plot]'), or use --no-plots"
        ) from error
    mpl.use("Agg")
    with mpl.rc_context(SETTINGS):
        return dict(_files(report, parts))


def _files(report: Mapping[str, Any], parts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for stage in report["stages"]:
        for name, figure in _stage_figures(report, stage, parts):
            yield from saved(f"{stage['name']}_{name}", figure)
    for key in ("ttft", "tpot"):
        if report[f"{key}_s"] is not None and key in report["points"][0].get("required", {}):
            for unit, rate in (("TFLOP/s", "tflops_per_s"), ("GB/s", "gigabytes_per_s")):
                figure = _required(report, key, rate, unit)
                yield from saved(f"required_{key}_{rate}", figure)


def saved(name: str, figure: Any) -> Iterator[tuple[str, bytes]]:
    """Yield a figure's files, the same bytes for the same figure, and close it."""
    from matplotlib import pyplot as plt

    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=110, metadata=metadata)
        yield f"{name}.{kind}", data.getvalue()
    plt.close(figure)


def _stage_figures(
    report: Mapping[str, Any], stage: Mapping[str, str], parts: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    name, title = stage["name"], stage["title"]
    points, labels = report["points"], report["modes"]
    flops: dict[str, list[float | None]] = {
        label: [p[name][f"analytic_{mode}_tflops"] for p in points]
        for mode, label in labels.items()
    }
    vendor = [p[name]["vendor_tflops"] for p in points]
    if any(v is not None for v in vendor):
        flops[f"vendor (eager, {report['vendor_counter']})"] = vendor
    yield "flops", _lines(report, f"{title}: FLOPs", "TFLOPs", flops)
    for field, what in COSTS.items():
        series = {label: _cost(points, name, mode, field) for mode, label in labels.items()}
        if all(v for values in series.values() for v in values):
            unit = "FLOP per byte moved" if field == "flops_per_byte" else "GB"
            scale = 1.0 if field == "flops_per_byte" else 1e9
            scaled = {k: [v / scale for v in values] for k, values in series.items()}
            yield field, _lines(report, f"{title}: {what.lower()}", unit, scaled)
    split = {
        f"{kind}, {label}": [v / 1e12 for v in _cost(points, name, mode, f"{kind}_flops")]
        for mode, label in labels.items()
        for kind in ("tensor", "vector")
    }
    yield "split", _lines(report, f"{title}: tensor and vector FLOPs", "TFLOPs", split)
    logarithmic = _lines(
        report, f"{title}: tensor and vector FLOPs, logarithmic", "TFLOPs", split, log=True
    )
    yield "split_log", logarithmic
    mode = next(iter(labels))
    yield "shares", _shares(report, name, f"{title}: share of FLOPs, {labels[mode]}", mode, parts)


def _cost(points: Sequence[Any], stage: str, mode: str, field: str) -> list[float]:
    return [p[stage]["cost"][mode][field] or 0 for p in points]


def _x(report: Mapping[str, Any]) -> tuple[list[float], str, bool]:
    """Return positions, the name of the axis, and whether the positions are numbers."""
    values = [point.get(report["x"]) for point in report["points"]]
    name = report["x"].replace("_", " ")
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return [float(v) for v in values], name, True
    return [float(i) for i in range(len(values))], name, False


def _axes(report: Mapping[str, Any], title: str, unit: str) -> tuple[Any, Any]:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    _, name, numeric = _x(report)
    axes.set_title(title)
    axes.set_xlabel(name)
    axes.set_ylabel(unit)
    if not numeric:
        axes.set_xticks(
            range(len(report["points"])), [p["label"] for p in report["points"]], rotation=30
        )
    return figure, axes


def _lines(
    report: Mapping[str, Any], title: str, unit: str, series: Series, *, log: bool = False
) -> Any:
    """Draw series as lines over the points, which are named along the top one."""
    figure, axes = _axes(report, title, unit)
    if log:
        axes.set_yscale("log")
    groups = _groups(report)
    xs, _, numeric = _x(report)
    for index, (label, values) in enumerate(series.items()):
        style = {
            "color": COLOURS[index % len(COLOURS)],
            "marker": _MARKERS[index % len(_MARKERS)],
            "linestyle": _DASHES[index % len(_DASHES)],
            # Later series lie on top: smaller and open, so that equal ones show both.
            "markersize": max(7 - 2 * index, 3),
            "markerfacecolor": "none" if index else COLOURS[0],
            "linewidth": max(2.4 - 0.6 * index, 1.0),
        }
        for number, members in enumerate(groups):
            axes.plot(
                [xs[i] for i in members],
                [_number(values[i]) for i in members],
                label=label if not number else None,
                **style,
            )
    if numeric:
        _name_points(axes, report, xs, series, groups)
    axes.margins(y=0.12)
    if not log:
        # From 0, with room for the names above the highest point.
        highest = max((v for values in series.values() for v in values if v), default=0)
        axes.set_ylim(0, 1.1 * highest or 1)
    axes.legend(loc="best")
    return figure


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _groups(report: Mapping[str, Any]) -> list[list[int]]:
    """Return the points of each line: those that differ in x alone, of what was varied."""
    groups: dict[str, list[int]] = {}
    for index, point in enumerate(report["points"]):
        words = point["label"].split(" ")
        others = [w for w in words if "=" in w and not w.startswith(f"{report['x']}=")]
        groups.setdefault(" ".join(others), []).append(index)
    xs, _, _ = _x(report)
    return [sorted(members, key=lambda i: xs[i]) for members in groups.values()]


def _name_points(
    axes: Any, report: Mapping[str, Any], xs: list[float], series: Series, groups: list[list[int]]
) -> None:
    """Write a point's name above the highest series; of many points, of some."""
    for members in groups:
        if len(groups) > 1:
            words = report["points"][members[-1]]["label"].split(" ")
            text = " ".join(w for w in words if not w.startswith(f"{report['x']}="))
            named = {members[-1]: text}
        else:
            every = max(1, -(-len(members) // _LABELLED))
            picked = members[::-1][::every]
            named = {i: report["points"][i]["label"] for i in picked}
        for index, text in named.items():
            heights = [v[index] for v in series.values() if v[index] is not None]
            axes.annotate(
                text,
                (xs[index], max(h for h in heights if h is not None)),
                textcoords="offset points",
                xytext=(0, 7),
                ha="center",
                fontsize=8,
            )


def _shares(
    report: Mapping[str, Any], stage: str, title: str, mode: str, parts: Mapping[str, str]
) -> Any:
    """Draw the stacked share of each part of the model."""
    figure, axes = _axes(report, title, "% of FLOPs")
    xs, _, _ = _x(report)
    order = sorted(range(len(xs)), key=lambda i: xs[i])
    flops = [report["points"][i][stage]["cost"][mode]["parts_flops"] for i in order]
    totals = [sum(by_part.values()) for by_part in flops]
    names = [*parts, *sorted({n for by_part in flops for n in by_part} - set(parts))]
    shown = [name for name in names if any(by_part.get(name) for by_part in flops)]
    stacks = [
        [100 * by_part.get(name, 0) / total for by_part, total in zip(flops, totals, strict=True)]
        for name in shown
    ]
    areas = axes.stackplot(
        [xs[i] for i in order],
        stacks,
        labels=[parts.get(name, name) for name in shown],
        colors=[COLOURS[names.index(name) % len(COLOURS)] for name in shown],
        alpha=0.85,
        edgecolor="white",
    )
    for area, name in zip(areas, shown, strict=True):
        area.set_hatch(HATCHES[names.index(name) % len(HATCHES)])
    axes.set_ylim(0, 100)
    axes.margins(x=0)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center")
    return figure


def _required(report: Mapping[str, Any], key: str, rate: str, unit: str) -> Any:
    what = {"ttft": "time to first token", "tpot": "time per output token"}[key]
    kind = "compute" if rate == "tflops_per_s" else "memory"
    series = {
        label: [point["required"][key][mode][rate] for point in report["points"]]
        for mode, label in report["modes"].items()
    }
    title = f"Sustained {kind} for a {what} of {report[f'{key}_s']} s"
    return _lines(report, title, unit, series)
