"""The series of a stage: what one strategy says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import StagePrice
from flopbench.analytic.price_many import cost_of, largest_tensor
from flopbench.ops import Cost
from flopbench.report import Entry, Series
from flopbench.vendor import VendorCounter, VendorModel
from flopbench.vendor.attribution import Attributed, Failed


def vendor_series(
    stage: Stage,
    vendor: VendorModel,
    counter: VendorCounter,
    counted: Attributed | Failed,
    memory: Mapping[str, Any] | None = None,
) -> Series:
    """Return what a counter counted of a stage, or why it did not.

    Args:
        memory: what the program keeps of a training step.
    """
    series = Series(
        stage=stage.name,
        kind="vendor",
        attention=vendor.attention,
        counter=counter.name,
        label=f"vendor ({vendor.attention}, {counter.name})",
        flops=None,
        unit=counter.convention.unit,
        memory=memory,
    )
    if isinstance(counted, Failed):
        return attrs.evolve(series, error=counted.reason)
    return attrs.evolve(
        series,
        flops=counted.flops,
        breakdown=counted.entries,
        uncounted=counted.uncounted,
        own_formula_flops=sum(counted.own_flops().values()),
    )


def analytic_series(
    stage: Stage,
    mode: AttentionMode,
    priced: StagePrice,
    parts: Iterable[str],
    bound: Mapping[str, Any] | None = None,
    memory: Mapping[str, Any] | None = None,
) -> Series:
    """Return what a stage costs in an attention mode.

    Args:
        parts: of the model, whose FLOPs are given apart.
        bound: on its time, if a GPU is given.
        memory: what a training step keeps.
    """
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
        torch_visible_flops=int(priced.torch_visible_flops),
        **_useful(mode, cost),
        costs=cost_of(priced, parts),
        largest_tensor=largest_tensor(priced),
        bound=bound,
        memory=memory,
        breakdown=tuple(
            Entry(line.component, line.kind, int(line.cost.flops)) for line in priced.lines
        ),
    )


def _useful(mode: AttentionMode, cost: Cost) -> dict[str, Any]:
    """Return the useful part of the tensor work, if the mode reports padding."""
    useful = int(cost.tensor_flops - cost.padding_flops)
    if not mode.tells_padding:
        return {}
    ratio = int(cost.tensor_flops) / useful if useful else None
    return {"useful_flops": useful, "executed_ratio": ratio}
