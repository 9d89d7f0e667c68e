"""What the user asked of a sweep: plain data, and which sweep it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from flopbench.analytic import Stage, Sweep, SweepLimits, SweepPoint
from flopbench.boundary import calling
from flopbench.commands.sweep.by_hand import axes_by_hand, axis_by_hand
from flopbench.commands.sweep.points import Listed, Points, Product
from flopbench.errors import PluginError, UsageError, unknown
from flopbench.plan import Plan

MOST_LISTED = 1_000_000
"""Points that a model's sweep may yield: each is an object of its own."""


@frozen(kw_only=True)
class SweepRequest:
    """What the user asked for; plain data, so that another process can plan the same sweep.

    Attributes:
        plugins: the ``-p`` options.
        name: a named sweep, or None for the product of ``vary``.
        vary: texts of ``--vary``.
    """

    model: str
    name: str | None = None
    vary: tuple[str, ...] = ()
    limits: SweepLimits = SweepLimits()
    plugins: tuple[str, ...] = ()
    file: Path | None = None
    overrides: tuple[str, ...] = ()
    options: Mapping[str, Any] = Factory(dict)


def refuse_hardware(request: SweepRequest) -> None:
    """Refuse to vary what no number of a sweep depends on.

    Raises:
        UsageError: a key of the section ``hardware`` is varied.
    """
    for text in request.vary:
        key = text.partition("=")[0].strip()
        if key.startswith("hardware."):
            raise UsageError(
                f"--vary {key} changes nothing, since a sweep has no bounds on time: "
                f"`flopbench run {request.model} {key}=VALUE` has them"
            )


def sweep_of(base: Plan, request: SweepRequest) -> tuple[Sweep, Points]:
    """Return the sweep that a request is for, and its points.

    Raises:
        UsageError: there is none, or options do not suit it.
        PluginError: a model's sweep is wrong.
    """
    named = _named(base, request)
    if named is not None:
        return named, Listed(_points(named, base, request.limits))
    axes = axes_by_hand(request.vary)
    sweep = Sweep(
        name="vary",
        description=f"Varied: {', '.join(request.vary)}",
        stages=names_of(base.stages),
        x=axis_by_hand(axes),
        points=lambda _limits: Product(axes),
    )
    return sweep, Product(axes)


def names_of(stages: Iterable[Stage]) -> tuple[str, ...]:
    """Return the names of stages."""
    return tuple(stage.name for stage in stages)


def _named(base: Plan, request: SweepRequest) -> Sweep | None:
    known = {sweep.name: sweep for sweep in base.model.sweeps}
    if request.name is None:
        if not request.vary:
            raise UsageError(
                "a sweep needs a name or --vary KEY=VALUES; named sweeps of "
                f"{base.model.name}: {', '.join(known) or 'none'}"
            )
        if request.limits != SweepLimits():
            raise UsageError("--grid and --max-image-tokens are for named sweeps, not for --vary")
        return None
    if request.name not in known:
        raise UsageError(unknown(f"sweep of {base.model.name}", request.name, known))
    if request.vary:
        raise UsageError(f"sweep {request.name!r} and --vary are both given: give one of them")
    if request.limits.grids and request.limits.max_image_tokens is not None:
        raise UsageError("--grid and --max-image-tokens are both given: give one of them")
    return known[request.name]


OPTIONS = {"grids": "--grid", "max_image_tokens": "--max-image-tokens"}
"""Options by the field of `SweepLimits` that they set."""


def _points(sweep: Sweep, base: Plan, limits: SweepLimits) -> tuple[SweepPoint, ...]:
    """Return the points of a named sweep.

    Raises:
        UsageError: the limits do not suit it.
        PluginError: it names an unknown stage, or yields something other than distinct points.
    """
    known = names_of(base.model.stages)
    for name in sweep.stages:
        if name not in known:
            raise PluginError(f"sweep {sweep.name!r}: {unknown('stage', name, known)}")
    unlimited = SweepLimits()
    for name in sorted(OPTIONS.keys() - sweep.takes):
        if getattr(limits, name) != getattr(unlimited, name):
            raise UsageError(f"sweep {sweep.name!r} takes no {OPTIONS[name]}")
    with calling(f"sweep {sweep.name!r} of model {base.model.name!r}"):
        points = tuple(islice(sweep.points(limits), MOST_LISTED + 1))
    if not points or len(points) > MOST_LISTED:
        count = f"more than {MOST_LISTED:,}" if points else "no"
        raise UsageError(f"sweep {sweep.name!r} has {count} points within these limits")
    labels: set[str] = set()
    for point in points:
        if not isinstance(point, SweepPoint):
            raise PluginError(
                f"sweep {sweep.name!r} must yield SweepPoint, got {type(point).__name__}"
            )
        if point.label in labels:
            raise PluginError(f"sweep {sweep.name!r} gives two points the label {point.label!r}")
        labels.add(point.label)
    return points


def refuse_overruled(request: SweepRequest, points: Points) -> None:
    """Refuse a value for a key that the points set themselves.

    Raises:
        UsageError: there is one.
    """
    varied = points.keys()
    given = {text: text.partition("=")[0].strip() for text in request.overrides}
    given |= {"--image": "workload.image"} if "workload.image" in request.options else {}
    for text, key in given.items():
        if key in varied:
            raise UsageError(f"{text} has no effect: the points of the sweep set {key} themselves")
