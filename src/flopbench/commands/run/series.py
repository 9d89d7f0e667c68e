"""The series of a stage: one per strategy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import StagePrice
from flopbench.commands.run.totals import Counts, _count, _price
from flopbench.ops import Cost
from flopbench.plan import Plan
from flopbench.report import Series
from flopbench.vendor.attribution import Entry, Failed


def _vendor_series(plan: Plan, stage: Stage, counts: Counts) -> Iterator[Series]:
    for counter, vendor in plan.vendor_strategies:
        counted = _count(stage, counts[counter.name])
        series = Series(
            stage=stage.name,
            kind="vendor",
            attention=vendor.attention,
            counter=counter.name,
            label=f"vendor ({vendor.attention}, {counter.name})",
            flops=None,
            unit=counter.convention.unit,
        )
        if isinstance(counted, Failed):
            yield attrs.evolve(series, error=counted.reason)
        else:
            yield attrs.evolve(
                series,
                flops=counted.flops,
                breakdown=counted.entries,
                uncounted=counted.uncounted,
            )


def _analytic_series(stage: Stage, mode: AttentionMode, prices: Mapping[str, StagePrice]) -> Series:
    priced = _price(stage, prices)
    cost = priced.cost
    return Series(
        stage=stage.name,
        kind="analytic",
        attention=mode.name,
        counter=None,
        label=mode.series_label(),
        flops=int(cost.flops),
        tensor_flops=int(cost.tensor_flops),
        vector_flops=int(cost.vector_flops),
        torch_visible_flops=int(cost.torch_visible_flops),
        **_useful(mode, cost),
        breakdown=tuple(
            Entry(line.component, line.kind, int(line.cost.flops)) for line in priced.lines
        ),
    )


def _useful(mode: AttentionMode, cost: Cost) -> dict[str, Any]:
    """Return what part of the tensor work is useful, if the mode tells."""
    useful = int(cost.tensor_flops - cost.padding_flops)
    if not mode.tells_padding:
        return {}
    ratio = int(cost.tensor_flops) / useful if useful else None
    return {"useful_flops": useful, "executed_ratio": ratio}
