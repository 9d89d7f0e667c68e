"""Price many workloads in one array evaluation per stage and attention mode.

Workloads of one class that differ only in integer fields are stacked: each such field becomes
an array, and the model's formulas run once for all points. Large numbers of points are
processed in blocks that fit in a cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.columns import Column, Joined, concatenated, divided, values_of
from flopbench.analytic.model import AnalyticModel, Stage
from flopbench.analytic.price import (
    Fallback,
    Pricer,
    StagePrice,
    lower,
    pricing,
    total_price,
)
from flopbench.analytic.stacked import arrays, at_point, length, sliced, stack
from flopbench.boundary import calling
from flopbench.errors import PluginError
from flopbench.tally import sums

BLOCK = 40960

_KINDS = ("costs", "parts", "seen")


@frozen(eq=False)
class Columns:
    """What one stage costs in one attention mode, at each point.

    Attributes:
        costs: by field name in ``sweep.json``.
        parts: FLOPs by part of the model.
        seen: FLOPs that a counter sees, by component; empty if it was not given what it sees.
    """

    costs: Mapping[str, Column]
    parts: Mapping[str, Column]
    seen: Mapping[str, Column]


def columns(priced: StagePrice, parts: Iterable[str], sees: Collection[str] = ()) -> Columns:
    """Return the totals of a priced stage.

    Args:
        sees: kinds of operation that a counter sees.
    """
    cost, held = priced.cost, priced.footprint
    costs = {
        "flops": cost.flops,
        "tensor_flops": cost.tensor_flops,
        "vector_flops": cost.vector_flops,
        "torch_visible_flops": priced.torch_visible_flops,
    }
    costs |= {field.name: getattr(cost, field.name) for field in attrs.fields(type(cost))}
    costs |= {
        "weight_bytes": held.total_weight_bytes,
        "kv_cache_bytes": held.kv_cache_bytes,
        "peak_activation_bytes": held.peak_activation_bytes,
        "largest_activation_bytes": held.largest_activation_bytes,
        "largest_tensor_bytes": held.largest_tensor_bytes,
        "expected_bytes_moved": cost.bytes_moved,
    }
    shares: dict[str, Column] = {}
    for line in priced.lines:
        name = part_of(line.component, parts)
        shares[name] = shares.get(name, 0) + line.cost.flops
    return Columns(costs, shares, sums(priced.seen(sees)))


def cost_of(priced: StagePrice, parts: Iterable[str]) -> dict[str, Any]:
    """Return a stage's costs as plain data: the fields of a cost in ``sweep.json``."""
    found = columns(priced, parts)
    return with_intensity(found.costs, found.parts)


def largest_tensor(priced: StagePrice) -> dict[str, Any] | None:
    """Return the largest tensor of a stage as plain data; None if it makes none."""
    found = priced.footprint.largest_tensor
    return None if found is None else found.to_dict()


def with_intensity(costs: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return costs with their arithmetic intensity and the FLOPs of each part."""
    ratio = divided(costs["flops"], costs["expected_bytes_moved"])
    return {**costs, "flops_per_byte": ratio, "parts_flops": dict(parts)}


def part_of(component: str, parts: Iterable[str]) -> str:
    """Return the longest part that a component path begins with, or the path's first name."""
    fitting = [p for p in parts if f"{component}/".startswith(f"{p}/")]
    return max(fitting, key=len, default=component.split("/", maxsplit=1)[0])


Priced = Mapping[tuple[str, str], Columns]
"""What many points cost, by mode and stage."""

Costs = dict[tuple[str, str], dict[str, Any]]
"""The content of `Columns` at one point, by mode and stage."""


@frozen(kw_only=True)
class Evaluator:
    """Prices workloads of one model, however many there are.

    Attributes:
        stages: names of the stages to price; None for all that a workload has.
        sees: kinds of operation that a counter sees; their FLOPs are given by component.
    """

    model: AnalyticModel
    modes: Sequence[AttentionMode]
    pricer: Pricer
    stages: Collection[str] | None = None
    sees: Collection[str] = ()

    def price(self, workload: Any) -> Iterator[tuple[str, str, Columns]]:
        """Yield (mode, stage, costs) of one workload, whose sizes may be arrays.

        Raises:
            PluginError: the model or a mode raises.
        """
        wanted = self._wanted(workload)
        needed = {name for stage in wanted for name in stage.base_names}
        prices = {
            name: self.pricer.in_modes(self.model, name, workload, self.modes)
            for name in (stage.name for stage in self.model.stages)
            if name in needed
        }
        by_mode = {
            mode.name: {name: found[mode.name] for name, found in prices.items()}
            for mode in self.modes
        }
        for stage, mode in product(wanted, self.modes):
            priced = total_price(stage, by_mode[mode.name])
            yield mode.name, stage.name, columns(priced, self.model.parts, self.sees)

    def _wanted(self, workload: Any) -> list[Stage]:
        """Return the stages to price."""
        known = self.model.stages_of(workload)
        return [stage for stage in known if self.stages is None or stage.name in self.stages]

    def price_arrays(self, workload: Any) -> Priced:
        """Price a workload whose sizes are arrays of any length, in blocks; by mode and stage.

        Raises:
            PluginError: the model or a mode raises.
        """
        joined: dict[tuple[str, str], dict[str, Joined]] = {}
        count = length(workload)
        for start in range(0, count, BLOCK):
            part = workload if count <= BLOCK else sliced(workload, slice(start, start + BLOCK))
            for mode, stage, found in self.price(part):
                first = joined.get((self.modes[0].name, stage), {})
                whole = joined.setdefault(
                    (mode, stage), {kind: Joined(count, BLOCK, first.get(kind)) for kind in _KINDS}
                )
                for kind, each in whole.items():
                    each.put(start, getattr(found, kind))
        return {
            key: Columns(**{kind: each.columns for kind, each in whole.items()})
            for key, whole in joined.items()
        }

    def pieces(self, workload: Any, count: int) -> list[tuple[int, Priced]]:
        """Price a workload whose sizes may be arrays, exactly, however large the numbers.

        Args:
            count: its points.

        Returns:
            Runs of points with the same parts and components, in order: how many, their columns.

        Raises:
            PluginError: the model or a mode raises at a single point.
        """
        try:
            return [(count, self.price_arrays(workload))]
        except PluginError:
            # A number exceeds 64 bits, or the model branches on a size. A single point has plain
            # integers, which are unbounded, and its error names what is wrong with it.
            if not arrays(workload):
                raise
        if count == 1:
            return self.pieces(at_point(workload, 0), 1)
        half = count // 2
        first = self.pieces(sliced(workload, slice(half)), half)
        return _merged([*first, *self.pieces(sliced(workload, slice(half, None)), count - half)])

    def points(self, workloads: Sequence[Any]) -> list[Costs]:
        """Price every workload; return plain numbers, point by point."""
        points: list[Costs] = [{} for _ in workloads]
        for indices, workload in stack(workloads):
            start = 0
            for count, priced in self.pieces(workload, len(indices)):
                _spread(priced, indices[start : start + count], points)
                start += count
        return points

    def fallbacks(self, workload: Any) -> list[tuple[str, Fallback]]:
        """Return the fallbacks of all modes in a workload's stages, each once.

        Raises:
            PluginError: the model or a mode raises.
        """
        found: dict[tuple[str, Fallback], None] = {}
        wanted = self._wanted(workload)
        for name in dict.fromkeys(name for stage in wanted for name in stage.base_names):
            with calling(pricing(self.model, name)):
                for op, mode in product(list(self.model.ops(name, workload)), self.modes):
                    _, fallbacks = lower(op, mode, self.pricer.eager)
                    found |= dict.fromkeys((name, each) for each in fallbacks)
        return list(found)


def _spread(priced: Priced, indices: list[int], points: list[Costs]) -> None:
    """Write each column's numbers to its points."""
    for key, found in priced.items():
        for index in indices:
            points[index][key] = {"costs": {}, "parts": {}, "seen": {}}
        for kind, by_name in attrs.asdict(found, recurse=False).items():
            for name, column in by_name.items():
                for index, value in zip(indices, values_of(column, len(indices)), strict=True):
                    points[index][key][kind][name] = value


def _merged(pieces: Iterable[tuple[int, Priced]]) -> list[tuple[int, Priced]]:
    """Join neighbours that have the same columns."""
    alike = groupby(pieces, lambda piece: [(key, _names(found)) for key, found in piece[1].items()])
    joined: list[tuple[int, Priced]] = []
    for _, group in alike:
        run = list(group)
        counts = [count for count, _ in run]
        whole = {
            key: Columns(
                **{
                    kind: {
                        name: concatenated(
                            [getattr(priced[key], kind)[name] for _, priced in run], counts
                        )
                        for name in getattr(found, kind)
                    }
                    for kind in _KINDS
                }
            )
            for key, found in run[0][1].items()
        }
        joined.append((sum(counts), whole))
    return joined


def _names(found: Columns) -> list[list[str]]:
    return [list(getattr(found, kind)) for kind in _KINDS]
