"""Curves of models over the sizes of a page, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.commands.compare.page_sizes import PageSize
from flopbench.plotting import COLOURS, SETTINGS, drawing, saved
from flopbench.text import visible

_FIGURES = {
    "image_tokens": ("Tokens of the image", "tokens", 1),
    "flops": ("FLOPs to the first token", "TFLOPs", 1e12),
    "largest_tensor_bytes": ("Largest tensor up to the first token", "GB", 1e9),
}
"""Fields with their titles, units, and what a unit is."""

_MARKERS = "osD^vP*X<>"
_DASHES = ("-", "--", ":")


def draw(sizes: Sequence[PageSize]) -> dict[str, bytes]:
    """Return the plots by file name, such as ``pages_flops.svg``; none without a curve.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if not any(size.error is None for size in sizes):
        return {}
    with drawing(SETTINGS):
        return dict(_files(sizes))


def _files(sizes: Sequence[PageSize]) -> Iterator[tuple[str, bytes]]:
    by_model: dict[str, list[PageSize]] = {}
    for size in sizes:
        if size.error is None:
            by_model.setdefault(size.label, []).append(size)
    for field in _FIGURES:
        yield from saved(f"pages_{field.removesuffix('_bytes')}", _figure(field, by_model))


def _figure(field: str, by_model: Mapping[str, Sequence[PageSize]]) -> Any:
    """Draw a curve per model; the legend is below, in the order of the curves at the right."""
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    title, unit, scale = _FIGURES[field]
    modes = dict.fromkeys(s.attention for sizes in by_model.values() for s in sizes)
    figure, axes = plt.subplots(figsize=(7, 5.2), layout="constrained")
    names = list(by_model)
    last = {name: getattr(by_model[name][-1], field) or 0 for name in names}
    for name in sorted(names, key=lambda each: -last[each]):
        index = names.index(name)  # a model looks the same in each plot
        known = [s for s in by_model[name] if getattr(s, field) is not None]
        axes.plot(
            [s.megapixels for s in known],
            [getattr(s, field) / scale for s in known],
            label=visible(name),
            color=COLOURS[index % len(COLOURS)],
            marker=_MARKERS[index % len(_MARKERS)],
            linestyle=_DASHES[index // len(COLOURS) % len(_DASHES)],
            markersize=4,
            linewidth=1.4,
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    ticks = sorted({s.megapixels for sizes in by_model.values() for s in sizes})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.minorticks_off()
    axes.set_xlabel("megapixels of a page as tall as A4")
    axes.set_ylabel(unit)
    how = "" if field == "image_tokens" else f" ({next(iter(modes))} attention)"
    axes.set_title(f"{title}{how}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure
