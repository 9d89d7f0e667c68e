"""Bars of models side by side, as SVG and PNG: FLOPs of each stage, and memory held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.analytic import Stage
from flopbench.commands.compare.comparison import SideBySide
from flopbench.plotting import COLOURS, HATCHES, SETTINGS, drawing, saved
from flopbench.text import visible

_HELD = {
    "weight_bytes": "weights",
    "kv_cache_bytes": "KV cache at the end",
    "peak_activation_bytes": "peak live activations",
}
_WIDTH = 0.8
"""Width of a model's group of bars; the next group starts at 1."""

_LEVEL = 4
"""The most models whose names fit beside each other; those of more are turned."""

_SIZE = (7, 4.8)
"""Inches of a figure of few models."""

_PER_MODEL = 0.9
"""Inches of a group of bars, if there are many."""

Series = Mapping[str, Sequence[float | None]]


def draw(found: SideBySide) -> dict[str, bytes]:
    """Return the plots by file name, such as ``prefill_flops.svg``.

    Raises:
        UsageError: matplotlib is not installed.
    """
    with drawing(SETTINGS):
        return dict(_files(found))


def _files(found: SideBySide) -> Iterator[tuple[str, bytes]]:
    for stage in found.stages:
        title = f"{stage.title}: FLOPs per {found.per}"
        yield from saved(f"{stage.name}_flops", _grouped(found, title, _flops(found, stage)))
        if found.modes:  # only closed forms say what is held
            yield from saved(f"{stage.name}_memory", _stacked(found, stage))


def _flops(found: SideBySide, stage: Stage) -> Series:
    """Return TFLOPs per page or sequence of each strategy, a number per model."""
    series: dict[str, list[float | None]] = {
        label: [
            _tera(side.costs.get(stage.name, {}).get(mode, {}).get("flops"), side.pages)
            for side in found.sides
        ]
        for mode, label in found.modes.items()
    }
    vendor = [_tera(side.vendor_flops.get(stage.name), side.pages) for side in found.sides]
    if any(value is not None for value in vendor):
        series[f"vendor (eager, {found.vendor_counter})"] = vendor
    return series


def _tera(flops: int | None, pages: int) -> float | None:
    return None if flops is None else flops / pages / 1e12


def _axes(found: SideBySide, title: str, unit: str) -> tuple[Any, Any]:
    from matplotlib import pyplot as plt

    models = len(found.sides)
    size = (max(_SIZE[0], models * _PER_MODEL), _SIZE[1])
    figure, axes = plt.subplots(layout="constrained", figsize=size)
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.grid(visible=False, axis="x")
    labels = [visible(side.label).replace(" ", "\n") for side in found.sides]
    axes.set_xticks(range(len(labels)), labels)
    if models > _LEVEL:
        axes.tick_params(axis="x", rotation=30)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_axisbelow(True)  # the grid stays behind the bars
    return figure, axes


def _style(index: int) -> dict[str, Any]:
    style = {"color": COLOURS[index % len(COLOURS)], "hatch": HATCHES[index % len(HATCHES)]}
    return {**style, "edgecolor": "white"}


def _grouped(found: SideBySide, title: str, series: Series) -> Any:
    figure, axes = _axes(found, title, "TFLOPs")
    width = _WIDTH / max(len(series), 1)
    for index, (label, values) in enumerate(series.items()):
        offset = (index - (len(series) - 1) / 2) * width
        bars = axes.bar(
            [place + offset for place in range(len(values))],
            [value or 0 for value in values],
            0.94 * width,
            label=label,
            **_style(index),
        )
        named = ["none" if value is None else f"{value:.3g}" for value in values]
        axes.bar_label(bars, named, rotation=90, padding=3, fontsize=8)
    axes.margins(y=0.25)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _stacked(found: SideBySide, stage: Stage) -> Any:
    """Draw what each model holds during a stage, in the first attention mode."""
    mode, label = next(iter(found.modes.items()))
    figure, axes = _axes(found, f"{stage.title}: memory held, {label}", "GB")
    base = [0.0] * len(found.sides)
    for index, (field, name) in enumerate(_HELD.items()):
        costs = (side.costs.get(stage.name, {}).get(mode, {}) for side in found.sides)
        held = [cost.get(field, 0) / 1e9 for cost in costs]
        axes.bar(range(len(held)), held, 0.6, bottom=base, label=name, **_style(index))
        base = [below + on for below, on in zip(base, held, strict=True)]
    for place, (side, total) in enumerate(zip(found.sides, base, strict=True)):
        axes.annotate(
            f"{total:.3g}" if stage.name in side.costs else "none",
            (place, total),
            textcoords="offset points",
            xytext=(0, 4),
            ha="center",
            fontsize=8,
        )
    axes.margins(y=0.12)
    figure.legend(loc="outside lower center", ncols=3)
    return figure
