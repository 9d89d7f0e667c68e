"""Draw an explanation as an icicle: one row per level, widths in proportion to FLOPs."""

from __future__ import annotations

import io
from typing import Any

from flopbench.commands.explain.tree import Explanation, Node
from flopbench.plotting import drawing
from flopbench.text import tera

_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00")
"""Okabe and Ito's palette, which colour-blind eyes can tell apart: one colour per stage."""

_WIDTH, _ROW_HEIGHT = 12.0, 0.55
_SMALLEST_LABELLED = 0.009
"""A part with at least this share of the whole is wide enough for a name, perhaps a rotated one."""


_LONGEST_TURNED = 10
"""Characters of a name that fit into a row's height."""


def icicle(explanation: Explanation) -> dict[str, bytes]:
    """Return the picture as SVG and as PNG, by ending.

    Raises:
        UsageError: matplotlib is not installed.
    """
    levels = max(len(node.path) for node in explanation.root.walk()) + 1
    # Ids from a fixed salt and no date: the same numbers give the same file.
    with drawing({"svg.hashsalt": "flopbench", "svg.fonttype": "none"}):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDTH, 0.6 + _ROW_HEIGHT * levels), layout="constrained")
        axes = figure.subplots()
        _draw(axes, explanation, explanation.root, 0.0, "#bbbbbb")
        axes.set(xlim=(0, 1), ylim=(levels, 0), xlabel=f"share of {_total(explanation)}")
        axes.set_yticks([])
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.spines[["left", "right", "top"]].set_visible(False)
        return {"svg": _saved(figure, "svg"), "png": _saved(figure, "png")}


def _total(explanation: Explanation) -> str:
    sizes = ", ".join(f"{name} = {value}" for name, (value, _) in explanation.sizes.items())
    work = "" if explanation.work == "all" else f", {explanation.work} work"
    return (
        f"{tera(explanation.root.flops)} TFLOPs{work}: {explanation.model}, "
        f"{explanation.attention} attention, {sizes}"
    )


def _saved(figure: Any, ending: str) -> bytes:
    stream = io.BytesIO()
    metadata = {"Date": None} if ending == "svg" else {"Software": None}
    figure.savefig(stream, format=ending, dpi=150, metadata=metadata)
    return stream.getvalue()


def _draw(axes: Any, explanation: Explanation, node: Node, left: float, colour: str) -> None:
    level = len(node.path)
    axes.bar(
        left,
        0.96,
        width=node.share,
        bottom=level,
        align="edge",
        color=colour,
        edgecolor="white",
        linewidth=0.8,
        alpha=max(0.45, 1 - 0.12 * max(0, level - 1)),
    )
    if node.share >= _SMALLEST_LABELLED:
        name = node.path[-1] if node.path else explanation.model
        _label(axes, name, node.share, left, level)
    for i, child in enumerate(node.children):
        _draw(axes, explanation, child, left, colour if level else _COLOURS[i % len(_COLOURS)])
        left += child.share


def _label(axes: Any, name: str, share: float, left: float, level: int) -> None:
    room = share * _WIDTH * 13  # characters of the size below that fit side by side
    percent = f"{100 * share:.1f} %"
    text = f"{name}\n{percent}" if room >= max(len(name), len(percent)) else name
    turned = 90 if room < len(name) else 0
    if turned and len(name) > _LONGEST_TURNED:
        return
    axes.text(
        left + share / 2,
        level + 0.48,
        text,
        ha="center",
        va="center",
        fontsize=7,
        rotation=turned,
        clip_on=True,
    )
