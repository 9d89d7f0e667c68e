"""Resolve a sweep before any work: its points, their workloads, and everything named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from flopbench.analytic import Stage, Sweep, SweepLimits, SweepPoint
from flopbench.boundary import calling
from flopbench.commands.sweep.by_hand import (
    MOST_POINTS,
    VariedPoint,
    axis_by_hand,
    points_by_hand,
)
from flopbench.commands.sweep.point_plans import PointPlans
from flopbench.errors import PluginError, UsageError, unknown
from flopbench.plan import Plan
from flopbench.plan.structure import structure
from flopbench.registry.catalog import Catalog
from flopbench.text import listed


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


@frozen(kw_only=True)
class SweepPlan:
    """A sweep with everything resolved.

    Attributes:
        base: the run that every point varies; where they vary the model, that of the first.
        stages: the stages to report.
        x: the fact on the horizontal axis of plots.
        size: the fact beside a point's label in tables.
        inputs: the values of each point's ``workload.`` keys.
        workloads, facts: of each point.
        plans: the run of each point: the same object, unless they vary more than the workload.
    """

    base: Plan
    name: str
    description: str
    stages: tuple[Stage, ...]
    x: str
    size: str
    points: tuple[SweepPoint, ...]
    inputs: tuple[Any, ...]
    workloads: tuple[Any, ...]
    facts: tuple[Mapping[str, Any], ...]
    plans: tuple[Plan, ...]

    @property
    def by_plan(self) -> list[tuple[Plan, list[int]]]:
        """Each distinct run, with the indices of its points."""
        found: dict[int, tuple[Plan, list[int]]] = {}
        for index, plan in enumerate(self.plans):
            found.setdefault(id(plan), (plan, []))[1].append(index)
        return list(found.values())


def plan_sweep(catalog: Catalog, request: SweepRequest) -> SweepPlan:
    """Resolve a sweep.

    Raises:
        UsageError: something that the user gave is wrong; the message names the point, if it
            is one of many.
        PluginError: the model's plugin raises.
    """
    _refuse_hardware(request)
    plans = PointPlans(catalog, request)
    base = plans.first()
    if len(base.counters) > 1:
        raise UsageError("a sweep has one vendor series: name one counter in --counters")
    sweep = _named(base, request) or _by_hand(base, request)
    points = _points(sweep, base, request.limits)
    _refuse_overruled(request, points)
    where = f"sweep {sweep.name!r}, " if request.name else ""
    runs = tuple(plans.at(point) for point in points)
    made = [_workload(p, point, where) for p, point in zip(runs, points, strict=True)]
    inputs, workloads = zip(*made, strict=True)
    facts = tuple(
        {**point.facts, **_numbers(p.model.workload_facts(workload))}
        for p, point, workload in zip(runs, points, workloads, strict=True)
    )
    _check_facts(base, sweep.name, sweep.x if request.name else None, facts)
    known = _stages(runs, points, workloads)
    given = base.config["run"]["stages"] is not None
    stages = _names(base.stages) if given else sweep.stages if request.name else _names(known)
    return SweepPlan(
        base=base,
        name=sweep.name,
        description=sweep.description,
        stages=tuple(stage for stage in known if stage.name in stages),
        x=sweep.x,
        size=_size(base, facts, sweep.x),
        points=points,
        inputs=inputs,
        workloads=workloads,
        facts=facts,
        plans=runs,
    )


def _refuse_hardware(request: SweepRequest) -> None:
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


def _names(stages: Iterable[Stage]) -> tuple[str, ...]:
    return tuple(stage.name for stage in stages)


def _stages(
    runs: Iterable[Plan], points: Sequence[SweepPoint], workloads: Iterable[Any]
) -> tuple[Stage, ...]:
    """Return the stages that the workloads have, which must be the same at all points."""
    found = [run.model.stages_of(each) for run, each in zip(runs, workloads, strict=True)]
    for point, stages in zip(points, found, strict=True):
        if _names(stages) != _names(found[0]):
            raise UsageError(
                f"all points of a sweep need the same stages: {points[0].label} has "
                f"{listed(_names(found[0]), 'and')}, {point.label} has "
                f"{listed(_names(stages), 'and')}"
            )
    return found[0]


def _by_hand(base: Plan, request: SweepRequest) -> Sweep:
    """Build a sweep from the texts of ``--vary``."""
    return Sweep(
        name="vary",
        description=f"Varied: {', '.join(request.vary)}",
        stages=_names(base.stages),
        x=axis_by_hand(request.vary),
        points=lambda _limits: points_by_hand(request.vary),
    )


def _check_facts(
    base: Plan, sweep: str, x: str | None, facts: tuple[Mapping[str, Any], ...]
) -> None:
    """Refuse facts that lack the horizontal axis, or use a name that ``sweep.json`` reserves."""
    if x is not None and any(x not in each for each in facts):
        raise PluginError(f"sweep {sweep!r}: {unknown('fact of every point for x', x, facts[0])}")
    taken = {"label", "required", *_names(base.model.stages)}
    if clash := taken & {name for each in facts for name in each}:
        raise PluginError(
            f"model {base.model.name!r}: a fact of a workload cannot be called {min(clash)!r}, "
            "which sweep.json uses itself"
        )


def _size(base: Plan, facts: Iterable[Mapping[str, Any]], x: str) -> str:
    """Return the axis of one of the model's own sweeps, or x: a varied key is in the label."""
    known = [sweep.x for sweep in base.model.sweeps]
    return next((name for name in known if all(name in each for each in facts)), x)


OPTIONS = {"grids": "--grid", "max_image_tokens": "--max-image-tokens"}
"""Options by the field of `SweepLimits` that they set."""


def _points(sweep: Sweep, base: Plan, limits: SweepLimits) -> tuple[SweepPoint, ...]:
    """Return the points of a named sweep.

    Raises:
        UsageError: the limits do not suit it.
        PluginError: it names an unknown stage, or yields something other than distinct points.
    """
    known = [stage.name for stage in base.model.stages]
    for name in sweep.stages:
        if name not in known:
            raise PluginError(f"sweep {sweep.name!r}: {unknown('stage', name, known)}")
    unlimited = SweepLimits()
    for name in sorted(OPTIONS.keys() - sweep.takes):
        if getattr(limits, name) != getattr(unlimited, name):
            raise UsageError(f"sweep {sweep.name!r} takes no {OPTIONS[name]}")
    with calling(f"sweep {sweep.name!r} of model {base.model.name!r}"):
        points = tuple(islice(sweep.points(limits), MOST_POINTS + 1))
    if not points or len(points) > MOST_POINTS:
        count = f"more than {MOST_POINTS:,}" if points else "no"
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


def _refuse_overruled(request: SweepRequest, points: Iterable[SweepPoint]) -> None:
    """Refuse a value for a key that the points set themselves."""
    varied = {key for point in points for key in _keys(point)}
    given = {text: text.partition("=")[0].strip() for text in request.overrides}
    given |= {"--image": "workload.image"} if "workload.image" in request.options else {}
    for text, key in given.items():
        if key in varied:
            raise UsageError(f"{text} has no effect: the points of the sweep set {key} themselves")


def _keys(point: SweepPoint) -> Iterator[str]:
    """Yield the full keys that a point sets."""
    yield from _leaves("workload", point.inputs)
    for key, value in point.settings.items() if isinstance(point, VariedPoint) else ():
        yield from _leaves(key, value)


def _leaves(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key


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


def _workload(base: Plan, point: SweepPoint, where: str) -> tuple[Any, Any]:
    """Return a point's inputs, and its workload."""
    try:
        values = _merged(base.config["workload"], point.inputs)
        inputs = structure("workload", values, base.model.inputs_type)
        return inputs, base.model.workload(inputs)
    except UsageError as error:
        raise UsageError(f"{where}point {point.label}: {error}") from error


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        old = merged.get(key) or {}
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, value) if both else value
    return merged


def _numbers(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if isinstance(value, int)}
