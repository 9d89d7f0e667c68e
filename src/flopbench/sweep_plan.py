"""Resolve a sweep before any work: its points, their workloads, and everything named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any

import yaml
from attrs import Factory, frozen

from flopbench.catalog import Catalog
from flopbench.config import structure
from flopbench.errors import PluginError, UsageError, calling, unknown
from flopbench.model import Stage, Sweep, SweepLimits, SweepPoint
from flopbench.plan import Plan, make_plan

_RANGE = re.compile(r"\s*(-?\d+):(-?\d+)(?::(-?\d+))?\s*")
_COLONS = re.compile(r"^[\s\[]*[-+]?\d[\d_]*:\d")
_MOST_POINTS = 100_000


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
        base: the run that every point varies.
        stages: the stages to report.
        x: the fact on the horizontal axis of plots.
        size: the fact beside a point's label in tables.
        workloads, facts: of each point.
    """

    base: Plan
    name: str
    description: str
    stages: tuple[Stage, ...]
    x: str
    size: str
    points: tuple[SweepPoint, ...]
    workloads: tuple[Any, ...]
    facts: tuple[Mapping[str, Any], ...]


def plan_sweep(catalog: Catalog, request: SweepRequest) -> SweepPlan:
    """Resolve a sweep.

    Raises:
        UsageError: something that the user gave is wrong; the message names the point, if it
            is one of many.
        PluginError: the model's plugin raises.
    """
    base = make_plan(
        catalog,
        request.model,
        file=request.file,
        overrides=request.overrides,
        options=request.options,
    )
    if len(base.counters) > 1:
        raise UsageError("a sweep has one vendor series: name one counter in --counters")
    named = _named(base, request)
    if named:
        with calling(f"sweep {named.name!r} of model {request.model!r}"):
            points = tuple(islice(named.points(request.limits), _MOST_POINTS + 1))
        _check(named, base, points)
        if not points or len(points) > _MOST_POINTS:
            raise UsageError(
                f"sweep {named.name!r} has {f'more than {_MOST_POINTS:,}' if points else 'no'} "
                "points within these limits"
            )
        x, chosen = named.x, named.stages
    else:
        points, x = tuple(_by_hand(request)), _x_by_hand(request)
        chosen = tuple(stage.name for stage in base.stages)
    if base.config["run"]["stages"] is not None:
        chosen = tuple(stage.name for stage in base.stages)
    _refuse_overruled(request.overrides, points)
    workloads = tuple(_workload(base, point) for point in points)
    with calling(f"model {request.model!r}: workload_facts"):
        facts = tuple(
            {**point.facts, **_numbers(base.model.workload_facts(workload))}
            for point, workload in zip(points, workloads, strict=True)
        )
    if named and any(x not in each for each in facts):
        raise PluginError(
            f"sweep {named.name!r}: {unknown('fact of every point for x', x, facts[0])}"
        )
    taken = {"label", "required", *(stage.name for stage in base.model.stages)}
    if clash := taken & {name for each in facts for name in each}:
        raise PluginError(
            f"model {request.model!r}: a fact of a workload cannot be called {min(clash)!r}, "
            "which sweep.json uses itself"
        )
    return SweepPlan(
        base=base,
        name=named.name if named else "vary",
        description=named.description if named else "Varied: " + ", ".join(request.vary),
        stages=tuple(stage for stage in base.model.stages if stage.name in chosen),
        x=x,
        size=_size(base, facts, x),
        points=points,
        workloads=workloads,
        facts=facts,
    )


def _size(base: Plan, facts: Iterable[Mapping[str, Any]], x: str) -> str:
    """Return what the model's own sweeps have on their axis: a varied key is in the label."""
    known = [sweep.x for sweep in base.model.sweeps]
    return next((name for name in known if all(name in each for each in facts)), x)


def _check(sweep: Sweep, base: Plan, points: Iterable[Any]) -> None:
    """Refuse a sweep of a plugin that names what there is not."""
    known = [stage.name for stage in base.model.stages]
    for name in sweep.stages:
        if name not in known:
            raise PluginError(f"sweep {sweep.name!r}: {unknown('stage', name, known)}")
    for point in points:
        if not isinstance(point, SweepPoint):
            raise PluginError(f"sweep {sweep.name!r} gives a {type(point).__name__} for a point")


def _refuse_overruled(overrides: Iterable[str], points: Iterable[SweepPoint]) -> None:
    """Refuse a value for a key that every point sets anyway."""
    varied = {key for point in points for key in _leaves("workload", point.inputs)}
    for text in overrides:
        key = text.partition("=")[0].strip()
        if key in varied:
            raise UsageError(f"{text} has no effect: the points of the sweep set {key} themselves")


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


def parse_vary(text: str) -> tuple[str, list[Any]]:
    """Take ``KEY=VALUES`` apart: START:STOP:STEP, or values with commas between them.

    A range has START, START + STEP, ... and ends with STOP if it meets it, as 1:5:2 does
    (1, 3, 5), and before it if not, as 1:1024:64 does (1, 65, ..., 961).

    Raises:
        UsageError: it is neither, or the key is no input of a workload.
    """
    key, equals, values = text.partition("=")
    key = key.strip()
    if not equals or not values.strip():
        raise UsageError(
            f"--vary {text!r} must be KEY=VALUES, such as workload.decode_steps=1:1024:64 or "
            "workload.mode=base,large"
        )
    section, dot, name = key.partition(".")
    if section != "workload" or not dot or not name:
        raise UsageError(f"--vary {text!r} must name a key of the workload, as workload.KEY")
    match = _RANGE.fullmatch(values)
    return key, _range(text, match) if match else _list(text, values)


def _range(text: str, match: re.Match[str]) -> list[Any]:
    start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if step < 1 or stop < start:
        raise UsageError(
            f"--vary {text!r} must rise: START:STOP:STEP with START <= STOP, STEP >= 1"
        )
    if (stop - start) // step >= _MOST_POINTS:
        raise UsageError(f"--vary {text!r} has more than {_MOST_POINTS:,} values")
    return list(range(start, stop + 1, step))


def _list(text: str, values: str) -> list[Any]:
    if any(_COLONS.search(value) for value in values.split(",")):
        # YAML would read 1:30 as a number of base 60.
        raise UsageError(
            f"--vary {text!r} is neither one range, START:STOP:STEP in whole numbers, nor a list"
        )
    try:
        found = yaml.safe_load(f"[{values}]")
    except yaml.YAMLError as error:
        raise UsageError(f"--vary {text!r} is no list of values with commas between") from error
    if len(found) != len(set(map(str, found))):
        raise UsageError(f"--vary {text!r} has a value twice")
    return list(found)


def _by_hand(request: SweepRequest) -> Iterator[SweepPoint]:
    axes = [parse_vary(text) for text in request.vary]
    keys = [key for key, _ in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"--vary {key} is given twice")
        if within := [k for k in keys if k.startswith(f"{key}.")]:
            raise UsageError(f"--vary {key} and --vary {within[0]} set the same: give one of them")
    count = 1
    for _, values in axes:
        count *= len(values)
    if count > _MOST_POINTS:
        raise UsageError(f"--vary makes {count:,} points, more than {_MOST_POINTS:,}")
    for chosen in product(*(values for _, values in axes)):
        inputs: dict[str, Any] = {}
        facts = {key.removeprefix("workload."): v for key, v in zip(keys, chosen, strict=True)}
        for name, value in facts.items():
            *parents, last = name.split(".")
            section = inputs
            for parent in parents:
                section = section.setdefault(parent, {})
            section[last] = value
        label = " ".join(f"{name}={_shown(value)}" for name, value in facts.items())
        yield SweepPoint(label=label, inputs=inputs, facts=facts)


def _shown(value: Any) -> str:
    """Write a value as one would type it, without blanks."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _x_by_hand(request: SweepRequest) -> str:
    """Return the first varied key with numbers, or the first one."""
    axes = [parse_vary(text) for text in request.vary]
    numeric = [key for key, values in axes if all(type(v) in (int, float) for v in values)]
    return (numeric or [key for key, _ in axes])[0].removeprefix("workload.")


def _workload(base: Plan, point: SweepPoint) -> Any:
    try:
        values = _merged(base.config["workload"], point.inputs)
        inputs = structure("workload", values, base.model.inputs_type)
        with calling(f"model {base.model.name!r}: workload"):
            return base.model.workload(inputs)
    except UsageError as error:
        raise UsageError(f"point {point.label}: {error}") from error


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        old = merged.get(key) or {}
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, value) if both else value
    return merged


def _numbers(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if isinstance(value, int)}


def grids(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Take ``ROWSxCOLUMNS`` texts as grids.

    Raises:
        UsageError: a text is none.
    """
    found: dict[tuple[int, int], None] = {}
    for text in texts:
        match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text.strip())
        if not match:
            raise UsageError(f"--grid {text!r} must be ROWSxCOLUMNS, such as 2x3")
        found[int(match[1]), int(match[2])] = None
    return tuple(found)
