"""Count many points by few laws: one trace for all points that differ only in their sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from attrs import frozen

from flopbench.analytic.checked import CheckedModel
from flopbench.digests import distinct
from flopbench.dims import Dim
from flopbench.errors import CountError, DimError
from flopbench.laws.law import Law, Subject
from flopbench.laws.opened import TRACED_FROM
from flopbench.laws.vendor_law import law_here, steps_of
from flopbench.tally import sums

WORTH_A_LAW = 100
"""Fewer points than this are counted call by call: a law does not count each of them, and cannot
show what a vendor does at one size only."""


@frozen
class Place:
    """A stage of a workload, by its sizes.

    Attributes:
        key: equal for places that one law may cover: same stage, all but the sizes the same,
            and the same sizes below 2, for which a law would not hold.
        sizes: the values of the sizes.
    """

    key: Any
    sizes: Mapping[str, int]


def place(model: CheckedModel, stage: str, workload: Any) -> Place:
    """Return a workload's place among those that differ only in their sizes."""
    sizes = model.stage_sizes(stage, workload)
    counts_steps = {size.name for size in model.sizes if size.steps}
    small = {n: v for n, v in sizes.items() if v < TRACED_FROM and n not in counts_steps}
    rest = model.stage_workload(stage, workload, dict.fromkeys(sizes, TRACED_FROM))
    return Place((stage, distinct(rest), tuple(sorted(small.items()))), sizes)


def counts_by_law(subject: Subject, places: list[Place]) -> list[dict[str, int] | None]:
    """Return the vendor's FLOPs by component at each place, by one law; None where that fails.

    Args:
        subject: at the workload of one of the places, with all sizes of its stage open.
        places: with equal keys.

    Raises:
        CountError: there is no law.
    """
    law = law_here(subject)
    if law.uncounted:
        raise CountError("the vendor runs ops that the counter has no formula for")
    covered = [i for i, p in enumerate(places) if law.holds_at(p.sizes, steps_of(subject, p.sizes))]
    found: list[dict[str, int] | None] = [None] * len(places)
    if covered:
        rows = _rows(law, [places[i].sizes for i in covered])
        for i, flops in zip(covered, rows, strict=True):
            found[i] = flops
    return found


def _rows(law: Law, sizes: list[Mapping[str, int]]) -> Iterator[dict[str, int]]:
    """Evaluate the law at all places at once."""
    columns: dict[str, Dim] = {name: np.array([s[name] for s in sizes]) for name in sizes[0]}
    try:
        by_component = sums((component, n) for (component, _), n in law.at(columns).items())
    except DimError as error:
        raise CountError(f"its law cannot be evaluated: {error}") from error
    whole = {
        name: np.broadcast_to(np.asarray(column), len(sizes))
        for name, column in by_component.items()
    }
    return ({name: int(v[i]) for name, v in whole.items()} for i in range(len(sizes)))
