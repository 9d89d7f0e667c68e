"""Count many points by few laws: one trace for all points that differ only in their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from attrs import frozen

from flopbench.analytic.checked import CheckedModel
from flopbench.analytic.columns import values_of
from flopbench.digests import distinct
from flopbench.dims import Dim
from flopbench.dims.forms import evaluate
from flopbench.errors import CountError, DimError
from flopbench.laws.held import held
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


@frozen
class GroupLaw:
    """A law of many places.

    Attributes:
        forms: FLOPs by component, as closed forms in the sizes.
    """

    forms: Mapping[str, sympy.Expr]

    def at(self, places: Sequence[Place]) -> list[dict[str, int]]:
        """Return the FLOPs by component at each place: evaluated at all of them at once.

        Raises:
            CountError: the law cannot be evaluated there.
        """
        if not places:
            return []
        sizes = _columns(places)
        try:
            columns = [evaluate(form, sizes) for form in self.forms.values()]
        except DimError as error:
            raise CountError(f"its law cannot be evaluated: {error}") from error
        values = [values_of(column, len(places)) for column in columns]
        return [dict(zip(self.forms, row, strict=True)) for row in zip(*values, strict=True)]


def law_of(subject: Subject, places: Sequence[Place]) -> tuple[GroupLaw, list[int]]:
    """Return a law of the vendor, and at which of the places it holds.

    Args:
        subject: at the workload of one of the places, with all sizes of its stage open.
        places: with equal keys.

    Raises:
        CountError: there is no law.
    """
    law = law_here(subject)
    if law.uncounted:
        raise CountError("the vendor runs ops that the counter has no formula for")
    if law.slices:
        raise CountError("a law with exceptions is evaluated point by point")
    forms = sums((component, form) for (component, _), form in law.forms.items())
    return GroupLaw(forms), _covered(law, subject, places)


def counts_by_law(subject: Subject, places: Sequence[Place]) -> list[dict[str, int] | None]:
    """Return the vendor's FLOPs by component at each place, by one law; None where that fails.

    Raises:
        CountError: there is no law; as `law_of`.
    """
    law, covered = law_of(subject, places)
    found: list[dict[str, int] | None] = [None] * len(places)
    for place, flops in zip(covered, law.at([places[i] for i in covered]), strict=True):
        found[place] = flops
    return found


def _covered(law: Law, subject: Subject, places: Sequence[Place]) -> list[int]:
    """Return at which places the guards of a law hold, in every step."""
    if not law.limited:
        return [*range(len(places))]
    steps = [steps_of(subject, place.sizes) for place in places]
    try:
        return np.flatnonzero(held(law, _columns(places), np.array(steps))).tolist()
    except DimError:  # not all can be told at once
        each = enumerate(zip(places, steps, strict=True))
        return [i for i, (place, own) in each if law.holds_at(place.sizes, own)]


def _columns(places: Sequence[Place]) -> dict[str, Dim]:
    return {name: np.array([place.sizes[name] for place in places]) for name in places[0].sizes}
