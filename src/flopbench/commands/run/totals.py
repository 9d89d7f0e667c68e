"""Prices and counts of stages, and the sums of composed ones."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench.analytic import Stage
from flopbench.analytic.price import StagePrice
from flopbench.vendor.attribution import Attributed, Failed

Prices = Mapping[str, Mapping[str, StagePrice]]
"""By attention mode and stage."""


Counts = Mapping[str, Mapping[str, Attributed | Failed]]
"""By counter and stage."""


def _price(stage: Stage, prices: Mapping[str, StagePrice]) -> StagePrice:
    """Return a stage's price; a composed stage's is the sum of its parts'."""
    return sum((prices[name] for name in stage.parts or (stage.name,)), StagePrice(()))


def _count(stage: Stage, counts: Mapping[str, Attributed | Failed]) -> Attributed | Failed:
    """Return a stage's count; a composed stage's is the sum of its parts', if none failed."""
    total = Attributed((), ())
    for name in stage.parts or (stage.name,):
        part = counts[name]
        if isinstance(part, Failed):
            return part
        total += part
    return total
