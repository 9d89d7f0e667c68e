"""Price many workloads in one array evaluation per stage and attention mode.

Workloads of one class that differ in integer fields only are stacked: each such field becomes
an array, and the model's formulas run once for all points. Very many points are taken
in blocks, so that what is in work at a time fits a cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from flopbench.attention import AttentionMode
from flopbench.conventions import Conventions
from flopbench.errors import calling
from flopbench.model import AnalyticModel
from flopbench.pricing import StagePrice, price

BLOCK = 32768

Column = Any
"""One number per point: an array, or a plain number that all points have."""


@frozen(eq=False)
class Columns:
    """What one stage costs in one attention mode, at each point.

    Attributes:
        costs: by name of the field in ``sweep.json``.
        parts: FLOPs by part of the model.
    """

    costs: Mapping[str, Column]
    parts: Mapping[str, Column]


def columns(priced: StagePrice, parts: Iterable[str]) -> Columns:
    """Take the totals of a priced stage."""
    cost, held = priced.cost, priced.footprint
    costs = {"flops": cost.flops}
    costs |= {field.name: getattr(cost, field.name) for field in attrs.fields(type(cost))}
    costs |= {
        "weight_bytes": held.total_weight_bytes,
        "kv_cache_bytes": held.kv_cache_bytes,
        "peak_activation_bytes": held.peak_activation_bytes,
        "expected_bytes_moved": cost.bytes_moved,
    }
    shares: dict[str, Column] = {}
    for line in priced.lines:
        name = part_of(line.component, parts)
        shares[name] = shares.get(name, 0) + line.cost.flops
    return Columns(costs, shares)


def part_of(component: str, parts: Iterable[str]) -> str:
    """Return the longest start of a component path that is a part, or its first name."""
    fitting = [p for p in parts if f"{component}/".startswith(f"{p}/")]
    return max(fitting, key=len, default=component.split("/", maxsplit=1)[0])


def price_stages(
    model: AnalyticModel,
    workload: Any,
    modes: Sequence[AttentionMode],
    eager: AttentionMode,
    conventions: Conventions,
) -> Iterator[tuple[str, str, Columns]]:
    """Yield (mode, stage, costs) of all stages for one workload, whose sizes may be arrays.

    Raises:
        PluginError: the model or a mode raises.
    """
    for mode in modes:
        prices: dict[str, StagePrice] = {}
        for stage in model.stages:
            if not stage.parts:
                with calling(f"pricing stage {stage.name!r} of model {model.name!r}"):
                    ops = model.ops(stage.name, workload)
                    prices[stage.name] = price(ops, mode, eager, conventions, model.dtype)
                priced = prices[stage.name]
            else:
                priced = sum((prices[part] for part in stage.parts), StagePrice(()))
            yield mode.name, stage.name, columns(priced, model.parts)


def stack(workloads: Sequence[Any]) -> list[tuple[list[int], Any]]:
    """Return (indices, one workload with arrays) of the workloads that differ in integers only."""
    groups: dict[Any, list[int]] = {}
    for index, workload in enumerate(workloads):
        values = attrs.asdict(workload, recurse=False)
        key = tuple((n, None if type(v) is int else repr(v)) for n, v in values.items())
        groups.setdefault(key, []).append(index)
    return [(indices, _stacked([workloads[i] for i in indices])) for indices in groups.values()]


def _stacked(workloads: Sequence[Any]) -> Any:
    import numpy as np

    first = workloads[0]
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(first)):
        values = [getattr(w, field.name) for w in workloads]
        if type(values[0]) is int and any(v != values[0] for v in values):
            changes[field.name] = np.array(values, dtype=object)
    return attrs.evolve(first, **changes)


Costs = dict[tuple[str, str], dict[str, Any]]
"""By mode and stage, what `Columns` holds for one point."""


def evaluate(
    model: AnalyticModel,
    workloads: Sequence[Any],
    modes: Sequence[AttentionMode],
    eager: AttentionMode,
    conventions: Conventions,
) -> list[Costs]:
    """Price every workload in every mode and stage; return plain numbers, point by point."""
    points: list[Costs] = [{} for _ in workloads]
    for indices, stacked in stack(workloads):
        for mode, stage, found in price_stages(model, stacked, modes, eager, conventions):
            both = ("costs", found.costs), ("parts", found.parts)
            for kind, by_name in both:
                for name, column in by_name.items():
                    for index, value in zip(indices, _plain(column, len(indices)), strict=True):
                        point = points[index].setdefault((mode, stage), {"costs": {}, "parts": {}})
                        point[kind][name] = value
    return points


def _plain(column: Column, count: int) -> list[Any]:
    return list(column.tolist()) if hasattr(column, "tolist") else [column] * count
