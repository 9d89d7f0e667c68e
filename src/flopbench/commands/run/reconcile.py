"""Reconcile a priced stage with a counted one, component by component, to the last FLOP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from flopbench.analytic import AttentionMode
from flopbench.analytic.price import Line, StagePrice
from flopbench.conventions import ENTRIES, Conventions
from flopbench.report import Comparison, ComponentDifference, Verdict
from flopbench.tally import sums
from flopbench.text import first_of
from flopbench.vendor import FLOPS_PER_UNIT, Convention
from flopbench.vendor.attribution import Attributed, Failed, UncountedOp

_ONES: Any = dict.fromkeys(ENTRIES, 1)
ONE_PER_ELEMENT = Conventions(**_ONES)
"""The convention under which vector FLOPs are the number of elements."""


def compare(
    stage: str,
    mode: AttentionMode,
    priced: StagePrice,
    counter: str,
    convention: Convention,
    counted: Attributed | Failed,
    elements: StagePrice | None = None,
) -> Comparison:
    """Compare one stage on both sides, under the counter's convention.

    Args:
        elements: the stage priced at 1 per element (`ONE_PER_ELEMENT`), for a counter that
            adds vector work to its numbers.
    """
    visible = _visible(priced, elements or StagePrice(()), convention)
    vendor_flops: int | None = None
    own_flops = 0
    uncounted: tuple[UncountedOp, ...] = ()
    components: tuple[ComponentDifference, ...] = ()
    if isinstance(counted, Attributed):
        vendor_flops, uncounted = counted.flops, counted.uncounted
        own_flops = sum(counted.own_flops().values())
        if mode.matches_vendor and convention.comparable:
            components = _differences(visible, counted)
    verdict, reason = _verdict(mode, convention, counted, components)
    return Comparison(
        stage=stage,
        attention=mode.name,
        counter=counter,
        vendor_flops=vendor_flops,
        seen_flops=sum(visible.values()),
        difference=sum(c.difference for c in components) if components else None,
        verdict=verdict,
        reason=reason,
        components=components,
        unseen=_unseen(priced, convention),
        uncounted=uncounted,
        unit=convention.unit,
        counter_flops=None if vendor_flops is None else vendor_flops - own_flops,
        own_formula_flops=own_flops,
    )


def _visible(priced: StagePrice, elements: StagePrice, convention: Convention) -> Mapping[str, int]:
    """Price what the counter sees, in its unit, by component."""
    price = convention.matrix_work if convention.comparable else int
    matrix = [(part, price(int(flops))) for part, flops in priced.seen(convention.sees)]
    vector = [
        (line.component, int(line.cost.vector_flops) * convention.per_element[_vector(line)])
        for line in elements.lines
        if convention.per_element.get(_vector(line)) and line.cost.vector_flops
    ]
    return sums((*matrix, *vector))


def _vector(line: Line) -> str:
    """Name the vector work of a line: its kind, or the bias of matrix work."""
    return f"{line.kind} bias" if line.cost.tensor_flops else line.kind


def _differences(
    visible: Mapping[str, int], counted: Attributed
) -> tuple[ComponentDifference, ...]:
    vendor = sums((entry.component, entry.flops) for entry in counted.entries)
    own = counted.own_flops()
    return tuple(
        ComponentDifference(
            name,
            vendor.get(name, 0),
            visible.get(name, 0),
            visible.get(name, 0) - vendor.get(name, 0),
            own.get(name, 0),
        )
        for name in dict.fromkeys((*visible, *vendor))
    )


def _verdict(  # noqa: PLR0911 - one return per verdict and reason reads best
    mode: AttentionMode,
    convention: Convention,
    counted: Attributed | Failed,
    components: tuple[ComponentDifference, ...],
) -> tuple[Verdict, str | None]:
    if convention.comparable and not mode.matches_vendor:
        return "no_vendor_match", f"the vendor does not run {mode.name} attention"
    if isinstance(counted, Failed):
        return "incomplete", counted.reason
    if counted.uncounted:
        names = ", ".join(sorted({op.op for op in counted.uncounted}))
        return "incomplete", f"the vendor runs ops that the counter has no formula for: {names}"
    if not counted.flops and mode.matches_vendor and not any(c.analytic_flops for c in components):
        return "not_comparable", "there is no matrix work on either side"
    if not counted.flops:
        return "incomplete", "the counter saw no FLOPs at all, which verifies nothing"
    if not convention.comparable:
        units = " or ".join(FLOPS_PER_UNIT)
        return "not_comparable", f"the counter's unit is {convention.unit}, not {units}"
    wrong = [c.component for c in components if c.difference]
    if wrong:
        return "differs", f"components differ: {first_of(wrong)}"
    return "exact", None


def _unseen(priced: StagePrice, convention: Convention) -> Mapping[str, int]:
    """Return the analytic work that the counter does not see, by op, most first."""
    totals = sums(_hidden(line, convention) for line in priced.lines)
    shown = sorted(totals.items(), key=lambda item: -item[1])
    return {name: flops for name, flops in shown if flops}


def _hidden(line: Line, convention: Convention) -> tuple[str, int]:
    """Return what a counter does not see of a line: all of it, or the bias of a seen op."""
    name = _vector(line)
    vector = 0 if convention.per_element.get(name) else int(line.cost.vector_flops)
    if line.kind in convention.sees:
        return name, vector
    return line.kind, int(line.cost.tensor_flops) + vector


def with_parts(whole: Comparison, parts: Sequence[Comparison]) -> Comparison:
    """Return a composed stage's comparison, which is exact only if each of its parts' is.

    Errors of two parts that share a component may cancel in the sum.
    """
    wrong = [part.stage for part in parts if part.verdict == "differs"]
    if whole.verdict != "exact" or not wrong:
        return whole
    reason = f"the sum is right, but not its parts: {', '.join(wrong)}"
    return evolve(whole, verdict="differs", reason=reason)
