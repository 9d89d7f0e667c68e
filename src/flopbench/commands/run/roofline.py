"""Pictures of bounds: the roofline with stages and components on it, and shares of stages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flopbench.hardware import Machine
from flopbench.hardware.bounds import Bound
from flopbench.hardware.limits import shares
from flopbench.hardware.times import StageTimes
from flopbench.plotting import COLOURS, HATCHES, SETTINGS, drawing, saved
from flopbench.text import si

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_ROOFS = ("-", "--", ":", "-.")
_NAMED = 0.1
"""A component with at least this share of its stage's bound is named."""
_CLOSE = 1.8
"""Points closer than this factor, both ways, are named in one place."""


def pictures(
    machine: Machine, times: Mapping[str, StageTimes], label: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of both pictures, each as SVG and PNG, with its name.

    Args:
        times: by the title of each stage, none of them composed.
        label: the model and the attention mode, for the titles.

    Raises:
        UsageError: matplotlib is not installed, or cannot draw.
    """
    with drawing(SETTINGS):
        yield from saved("roofline", roofline(machine, times, label))
        yield from saved("bound_shares", share_bars(machine, times, label))


def roofline(machine: Machine, times: Mapping[str, StageTimes], label: str) -> Any:
    """Draw the roofs of a GPU, and under them what stages and components reach at their bounds.

    A point is at the tensor FLOPs per byte of its work, as high as these FLOPs in the time of the
    bound. A single operation would be on the roof; several are below it, where some wait for
    memory and others compute.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    points = list(_points(times))
    _roofs(axes, machine, [bound for _, _, bound in points])
    for stage, component, bound in points:
        _point(axes, list(times).index(stage), bound, component)
    _names(
        axes,
        [
            (component, bound)
            for stage, component, bound in points
            if component is not None and bound.ms >= _NAMED * times[stage].bound.ms
        ],
    )
    for index, stage in enumerate(times):
        axes.plot([], [], _MARKERS[index % len(_MARKERS)], color=_colour(index), label=stage)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("tensor FLOPs per byte moved")
    axes.set_ylabel("tensor FLOPs per second at the bound")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _place: si(value, ""))
    figure.suptitle(label, fontsize=12)
    axes.set_title(
        f"{machine.gpu.title}; large: stages, small: their components", fontsize=8, color="0.3"
    )
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _points(times: Mapping[str, StageTimes]) -> Iterator[tuple[str, str | None, Bound]]:
    """Yield what has tensor FLOPs: of each stage the components, then (None) itself."""
    for stage, each in times.items():
        for component, bound in each.components.items():
            if bound.tensor_flops:
                yield stage, component, bound
        if each.bound.tensor_flops:
            yield stage, None, each.bound


def _roofs(axes: Any, machine: Machine, bounds: list[Bound]) -> None:
    """Draw the slope of the bandwidth, and the ceiling of each dtype up to the highest in use."""
    intensities = [bound.flops_per_byte for bound in bounds if bound.flops_per_byte]
    gpu = machine.gpu
    ridge = max(gpu.peaks.values()) / gpu.bandwidth
    low, high = min([*intensities, ridge / 100]) / 2, max([*intensities, ridge]) * 4
    for index, dtype in enumerate(_dtypes(machine)):
        peak = gpu.peak(dtype)
        axes.plot(
            [low, peak / gpu.bandwidth, high],
            [low * gpu.bandwidth, peak, peak],
            color="0.3",
            linestyle=_ROOFS[index % len(_ROOFS)],
            linewidth=1.2,
            label=f"{dtype}: {si(peak, 'FLOP/s')}, {si(gpu.bandwidth, 'B/s')}",
        )


def _dtypes(machine: Machine) -> list[str]:
    """Return the dtypes in which products of this model may be computed."""
    if machine.compute_dtype is not None:
        return [machine.compute_dtype]
    storage = machine.storage
    own = (scheme.compute for scheme in (storage.weights, storage.experts))
    found = dict.fromkeys([storage.activations, *(each for each in own if each)])
    return [dtype for dtype in found if machine.gpu.has(dtype)]


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _height(bound: Bound) -> float:
    return 1000 * bound.tensor_flops / bound.ms


def _point(axes: Any, stage: int, bound: Bound, component: str | None) -> None:
    small = component is not None
    axes.plot(
        bound.flops_per_byte,
        _height(bound),
        _MARKERS[stage % len(_MARKERS)],
        color=_colour(stage),
        markersize=5 if small else 12,
        markerfacecolor="none" if small else _colour(stage),
        zorder=2 if small else 3,
        alpha=1 if small else 0.85,
    )


def _names(axes: Any, named: Iterable[tuple[str, Bound]]) -> None:
    """Name points below and to the right, under the roof; those that are close share a place."""
    places: list[tuple[float, float, dict[str, None]]] = []
    for component, bound in named:
        x, y = bound.flops_per_byte or 0.0, _height(bound)
        for left, top, names in places:
            if max(x / left, left / x, y / top, top / y) < _CLOSE:
                names[component] = None
                break
        else:
            places.append((x, y, {component: None}))
    middle = math.sqrt(math.prod(axes.dataLim.intervalx))
    for x, y, names in places:
        left = x < middle
        axes.annotate(
            "\n".join(names),
            (x, y),
            textcoords="offset points",
            xytext=(9 if left else -9, -9),
            ha="left" if left else "right",  # within the frame
            va="top",
            fontsize=7,
            color="0.25",
        )


def share_bars(machine: Machine, times: Mapping[str, StageTimes], label: str) -> Any:
    """Draw each stage's share of the tensor FLOPs beside those of the bytes and of the bound."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    found = shares(times)
    columns = {
        "tensor FLOPs": [each.tensor_flops for each in found],
        "bytes moved": [each.bytes_moved for each in found],
        "bound": [each.bound for each in found],
    }
    bottom = [0.0] * len(columns)
    for index, stage in enumerate(found):
        heights = [100 * column[index] for column in columns.values()]
        axes.bar(
            list(columns),
            heights,
            0.6,
            bottom=bottom,
            label=stage.stage,
            facecolor=_colour(index),
            hatch=HATCHES[index % len(HATCHES)],
            edgecolor="white",
        )
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set_ylabel("share in percent")
    axes.set_ylim(0, 100)
    axes.grid(visible=False, axis="x")
    figure.suptitle(label, fontsize=12)
    axes.set_title(machine.gpu.title, fontsize=8, color="0.3")
    figure.legend(loc="outside lower center", ncols=len(found))
    return figure
