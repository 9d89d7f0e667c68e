"""Price many workloads in one array evaluation per stage and attention mode.

Workloads of one class that differ in integer fields only are stacked: each such field becomes
an array, and the model's formulas run once for all points. Very many points are taken
in blocks, so that what is in work at a time fits a cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.checked import operations
from flopbench.analytic.columns import Column, Joined
from flopbench.analytic.model import AnalyticModel, Stage
from flopbench.analytic.price import Fallback, Known, StagePrice, lower, price
from flopbench.boundary import calling
from flopbench.conventions import Conventions
from flopbench.digests import distinct
from flopbench.dims import is_array
from flopbench.errors import PluginError
from flopbench.ops import Op
from flopbench.tally import sums

BLOCK = 40960

_KINDS = ("costs", "parts", "seen")


@frozen(eq=False)
class Columns:
    """What one stage costs in one attention mode, at each point.

    Attributes:
        costs: by name of the field in ``sweep.json``.
        parts: FLOPs by part of the model.
        seen: FLOPs that a counter sees, by component, if it was said what it sees.
    """

    costs: Mapping[str, Column]
    parts: Mapping[str, Column]
    seen: Mapping[str, Column]


def columns(priced: StagePrice, parts: Iterable[str], sees: Collection[str] = ()) -> Columns:
    """Take the totals of a priced stage.

    Args:
        sees: kinds of operation that a counter sees.
    """
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
    seen = sums(
        (line.component, line.cost.tensor_flops) for line in priced.lines if line.kind in sees
    )
    return Columns(costs, shares, seen)


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
    stages: Collection[str] | None = None,
    sees: Collection[str] = (),
) -> Iterator[tuple[str, str, Columns]]:
    """Yield (mode, stage, costs) for one workload, whose sizes may be arrays.

    Args:
        stages: names of those to yield; all, by default.
        sees: kinds of operation that a counter sees, to be given by component.

    Raises:
        PluginError: the model or a mode raises.
    """
    wanted = [s for s in model.stages if stages is None or s.name in stages]
    needed = {name for s in wanted for name in s.parts or (s.name,)}
    prices: dict[tuple[str, str], StagePrice] = {}
    for stage in model.stages:
        if stage.name in needed:
            what = f"pricing stage {stage.name!r} of model {model.name!r}"
            with calling(what):
                ops = list(operations("ops", model.ops(stage.name, workload), Op))
                known = Known()
            for mode in modes:
                with calling(f"{what} with attention mode {mode.name!r}"):
                    prices[mode.name, stage.name] = price(
                        ops, mode, eager, conventions, model.dtype, known
                    )
    for stage, mode in product(wanted, modes):
        parts = [prices[mode.name, name] for name in stage.parts or (stage.name,)]
        yield mode.name, stage.name, columns(sum(parts[1:], parts[0]), model.parts, sees)


def fallbacks(
    model: AnalyticModel,
    stages: Iterable[Stage],
    workload: Any,
    modes: Iterable[AttentionMode],
    eager: AttentionMode,
) -> list[tuple[str, Fallback]]:
    """Return what modes cannot carry out in a workload's stages, each once.

    Raises:
        PluginError: the model or a mode raises.
    """
    found: dict[tuple[str, Fallback], None] = {}
    for name in dict.fromkeys(part for stage in stages for part in stage.parts or (stage.name,)):
        with calling(f"pricing stage {name!r} of model {model.name!r}"):
            ops = list(operations("ops", model.ops(name, workload), Op))
            for op, mode in product(ops, modes):
                _, fallback = lower(op, mode, eager)
                if fallback:
                    found[name, fallback] = None
    return list(found)


def price_many(
    model: AnalyticModel,
    workload: Any,
    modes: Sequence[AttentionMode],
    eager: AttentionMode,
    conventions: Conventions,
    stages: Collection[str] | None = None,
    sees: Collection[str] = (),
) -> dict[tuple[str, str], Columns]:
    """Price a workload whose sizes are arrays of any length, in blocks; by mode and stage.

    The arguments are those of `price_stages`.

    Raises:
        PluginError: the model or a mode raises.
    """
    joined: dict[tuple[str, str], dict[str, Joined]] = {}
    count = _length(workload)
    for start in range(0, count, BLOCK):
        part = workload if count <= BLOCK else _slice(workload, slice(start, start + BLOCK))
        priced = price_stages(model, part, modes, eager, conventions, stages, sees)
        for mode, stage, found in priced:
            first = joined.get((modes[0].name, stage), {})
            whole = joined.setdefault(
                (mode, stage), {kind: Joined(count, BLOCK, first.get(kind)) for kind in _KINDS}
            )
            for kind, each in whole.items():
                each.put(start, getattr(found, kind))
    return {
        key: Columns(**{kind: each.columns for kind, each in whole.items()})
        for key, whole in joined.items()
    }


def _arrays(workload: Any) -> dict[str, Any]:
    names = (field.name for field in attrs.fields(type(workload)))
    values = {name: getattr(workload, name) for name in names}
    return {name: value for name, value in values.items() if is_array(value)}


def _length(workload: Any) -> int:
    return max((len(value) for value in _arrays(workload).values()), default=1)


def _slice(workload: Any, rows: slice) -> Any:
    return attrs.evolve(workload, **{n: value[rows] for n, value in _arrays(workload).items()})


def stack(workloads: Sequence[Any]) -> list[tuple[list[int], Any]]:
    """Return (indices, one workload with arrays) of the workloads that differ in integers only."""
    groups: dict[Any, list[int]] = {}
    for index, workload in enumerate(workloads):
        values = attrs.asdict(workload, recurse=False)
        key = tuple((n, None if type(v) is int else distinct(v)) for n, v in values.items())
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
    stages: Collection[str] | None = None,
    sees: Collection[str] = (),
) -> list[Costs]:
    """Price every workload in every mode and stage; return plain numbers, point by point.

    The arguments are those of `price_stages`.
    """
    points: list[Costs] = [{} for _ in workloads]
    for indices, stacked in stack(workloads):
        try:
            priced = price_many(model, stacked, modes, eager, conventions, stages, sees)
        except PluginError:
            # Beyond 64 bits, or a model that branches on a size: each point alone has plain
            # integers without bounds, and says what is wrong with it.
            for index in indices:
                priced = price_many(
                    model, workloads[index], modes, eager, conventions, stages, sees
                )
                _spread(priced, [index], points)
        else:
            _spread(priced, indices, points)
    return points


def _spread(
    priced: Mapping[tuple[str, str], Columns], indices: list[int], points: list[Costs]
) -> None:
    """Write each column's numbers to its points."""
    for key, found in priced.items():
        for index in indices:
            points[index][key] = {"costs": {}, "parts": {}, "seen": {}}
        for kind, by_name in attrs.asdict(found, recurse=False).items():
            for name, column in by_name.items():
                for index, value in zip(indices, _plain(column, len(indices)), strict=True):
                    points[index][key][kind][name] = value


def _plain(column: Column, count: int) -> list[Any]:
    return list(column.tolist()) if hasattr(column, "tolist") else [column] * count
