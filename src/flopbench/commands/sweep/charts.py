"""Charts of series over the points of a sweep, readable in print and by colour-blind eyes.

Series differ in colour (Okabe and Ito's palette, Color Universal Design, 2008), line style and
hatch. Lines that differ in an input other than the one on the axis have different markers. Points
on a scale are joined by lines; points that are names are bars.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from flopbench.commands.sweep.axis import Axis
from flopbench.plotting import COLOURS, HATCHES

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
_DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_LABELLED = 8
"""At most this many points are named, so that names do not overlap."""
_PANELS = 3
"""At most this many panels stand side by side."""
_LINE, _MARK = 90, 8
"""Characters that fit side by side in a legend, and the width of a mark in characters."""
_MARKED = 40
"""A line with twice as many points has no marker at some of them."""
_MANY = 12
"""If there are more names than this on an axis, they are rotated."""
_MOST = 60
"""At most this many names are on an axis."""

Series = Mapping[str, Sequence[float | None]]


@frozen
class Head:
    """The title of a chart, and a smaller line below it that says what was swept."""

    title: str
    below: str


def chart(axis: Axis, head: Head, unit: str, series: Series, *, log: bool = False) -> Any:
    """Draw series over the points: lines, or bars where the points are not numbers."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    _dress(figure, axes, axis, head)
    axes.set_ylabel(unit)
    if log:
        axes.set_yscale("log")
        _powers(axes)
        series = {name: [value or None for value in values] for name, values in series.items()}
    (_lines if axis.ticks is None else _bars)(axes, axis, series)
    if axis.log:
        _log_x(axes, axis)
    if not log:
        # From 0, with room for the names above the highest point.
        highest = max((v for values in series.values() for v in values if v), default=0)
        axes.set_ylim(0, 1.1 * highest or 1)
    else:
        axes.margins(y=0.12)
    _legend(figure, axes, axis, series)
    return figure


def _log_x(axes: Any, axis: Axis) -> None:
    """Make the horizontal axis logarithmic; name the points themselves if they fit."""
    from matplotlib.ticker import NullFormatter, NullLocator

    axes.set_xscale("log")
    distinct = sorted(set(axis.xs))
    if len(distinct) <= _MANY:
        axes.set_xticks(distinct, [f"{x:,.10g}" for x in distinct])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(axis="x", rotation=30)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FORMULA = re.compile(r"\$\\mathdefault\{(.*?)(\\times)?(10)\^\{(-?\d+)\}\}\$")


def _powers(axes: Any) -> None:
    """Write the powers of ten of a logarithmic axis as text, for formulas are not drawn."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, value: float, place: int | None = None) -> str:
            match = _FORMULA.fullmatch(super().__call__(value, place))
            if match is None:
                return ""
            times = f"{match[1]} × " if match[2] else match[1]  # noqa: RUF001
            return f"{times}10{match[4].translate(_RAISED)}"

    axes.yaxis.set_major_formatter(Plain())
    axes.yaxis.set_minor_formatter(Plain(labelOnlyBase=False))


def _dress(figure: Any, axes: Any, axis: Axis, head: Head) -> None:
    axes.set_title(head.below, fontsize=8, color="0.3")
    figure.suptitle(head.title, fontsize=12)
    axes.set_xlabel(axis.name)
    if axis.ticks is not None:
        count = len(axis.ticks)
        shown = range(0, count, -(-count // _MOST))
        names = [axis.ticks[place] for place in shown]
        axes.set_xticks(shown, names, rotation=60 if count > _MANY else 0)
        axes.grid(visible=False, axis="x")


def _lines(axes: Any, axis: Axis, series: Series) -> None:
    several = len(axis.groups) > 1
    for index, values in enumerate(series.values()):
        colour = COLOURS[index % len(COLOURS)]
        for number, members in enumerate(axis.groups.values()):
            axes.plot(
                [axis.xs[i] for i in members],
                [_number(values[i]) for i in members],
                color=colour,
                marker=_MARKERS[(number if several else index) % len(_MARKERS)],
                linestyle=_DASHES[index % len(_DASHES)],
                # Later series lie on top: smaller and open, so that equal ones both show.
                markersize=max(7 - 2 * index, 3),
                markerfacecolor="none" if index else colour,
                markevery=max(1, len(members) // _MARKED),
                linewidth=max(2.4 - 0.6 * index, 1.0),
            )
    if not several:
        _name_points(axes, axis, series)


def _bars(axes: Any, axis: Axis, series: Series) -> None:
    count = len(series) * len(axis.groups)
    width = 0.8 / count
    for index, values in enumerate(series.values()):
        for number, members in enumerate(axis.groups.values()):
            # Bars of one group stand together.
            place = number * len(series) + index
            axes.bar(
                [axis.xs[i] + (place - (count - 1) / 2) * width for i in members],
                [_number(values[i]) for i in members],
                width,
                color=COLOURS[index % len(COLOURS)],
                alpha=1 - 0.7 * number / len(axis.groups),
                hatch=HATCHES[index % len(HATCHES)],
                edgecolor="white",
            )


def _legend(figure: Any, axes: Any, axis: Axis, series: Series) -> None:
    """Explain the colours below the axes, and the markers if there are several lines."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    several = len(axis.groups) > 1
    handles: list[Any] = []
    for index, name in enumerate(series):
        colour = COLOURS[index % len(COLOURS)]
        if axis.ticks is None:
            style = _DASHES[index % len(_DASHES)]
            marker = None if several else _MARKERS[index % len(_MARKERS)]
            face = "none" if index else colour
            handles.append(
                Line2D(*([], []), color=colour, ls=style, marker=marker, mfc=face, label=name)
            )
        else:
            hatch = HATCHES[index % len(HATCHES)]
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=name))
    if several:
        for number, name in enumerate(axis.groups):
            if axis.ticks is None:
                marker = _MARKERS[number % len(_MARKERS)]
                handles.append(
                    Line2D(*([], []), color="0.4", ls="", marker=marker, mfc="none", label=name)
                )
            else:
                alpha = 1 - 0.7 * number / len(axis.groups)
                handles.append(Patch(facecolor="0.2", alpha=alpha, label=name))
    figure.legend(handles=handles, loc="outside lower center", ncols=_columns(handles))


def _columns(handles: Sequence[Any]) -> int:
    longest = max(len(handle.get_label()) for handle in handles)
    return max(1, min(len(handles), _LINE // (longest + _MARK)))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _name_points(axes: Any, axis: Axis, series: Series) -> None:
    """Write points' names beside the highest series; if there are many points, only some."""
    members = axis.one
    every = max(1, -(-len(members) // _LABELLED))
    for index in members[::-1][::every]:
        heights = [value for values in series.values() if (value := values[index]) is not None]
        if heights and axis.names[index]:
            axes.annotate(
                axis.names[index],
                (axis.xs[index], max(heights)),
                textcoords="offset points",
                # To the left and above: a rising line is to the right.
                xytext=(-2, 5),
                ha="right",
                fontsize=8,
            )


@frozen
class Part:
    """A part of a whole, in percent at each point."""

    name: str
    values: Sequence[float]
    number: int
    """The index of its colour and hatch."""

    @property
    def style(self) -> dict[str, Any]:
        """Colour and hatch."""
        look = self.number % len(COLOURS)
        return {"facecolor": COLOURS[look], "hatch": HATCHES[look], "edgecolor": "white"}


def stacked(axis: Axis, head: Head, unit: str, parts: Sequence[Part]) -> Any:
    """Draw parts of a whole on top of each other; a panel for each line of points."""
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    columns = min(len(axis.groups), _PANELS)
    rows = -(-len(axis.groups) // columns)
    size = (7.0 if columns == 1 else 3.2 * columns, 4.5 if rows == 1 else 3.2 * rows)
    figure, grid = plt.subplots(
        rows, columns, layout="constrained", figsize=size, sharey=True, squeeze=False
    )
    for axes in grid.flat[len(axis.groups) :]:
        axes.set_visible(False)
    for axes, (name, members) in zip(grid.flat, axis.groups.items(), strict=False):
        below = head.below if len(axis.groups) == 1 else name
        _dress(figure, axes, axis, attrs.evolve(head, below=below))
        _stack(axes, axis, members, parts)
        if axis.log:
            _log_x(axes, axis)
    for axes in grid[:, 0]:
        axes.set_ylabel(unit)
    handles = [Patch(label=part.name, **part.style) for part in parts]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(parts), 5))
    return figure


def _stack(axes: Any, axis: Axis, members: Sequence[int], parts: Sequence[Part]) -> None:
    xs = [axis.xs[i] for i in members]
    bars = axis.ticks is not None or len(xs) == 1
    below = [0.0] * len(xs)
    for part in parts:
        top = [low + part.values[i] for low, i in zip(below, members, strict=True)]
        if bars:
            heights = [part.values[i] for i in members]
            axes.bar(xs, heights, 0.7, bottom=below, **part.style)
        else:
            axes.fill_between(xs, below, top, linewidth=0.5, **part.style)
        below = top
    axes.set_ylim(0, 100)
    axes.margins(x=0.02 if bars else 0)
