"""The vendor's laws: measured on the real model, and checked against a count of the workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy
from attrs import evolve

from flopbench.dims import Dim
from flopbench.errors import CountError, DimError
from flopbench.laws.equal_layers import by_module
from flopbench.laws.law import Key, Law, Subject
from flopbench.laws.measure import measured_law
from flopbench.laws.opened import TRACED_FROM, opened
from flopbench.laws.search import Search
from flopbench.tally import sums
from flopbench.vendor import VendorCounter
from flopbench.vendor.attribution import Attributed, Entry, attribute
from flopbench.vendor.counting import count_stage
from flopbench.vendor.method import Method


def vendor_law(subject: Subject, tick: Callable[[int], None] = lambda _call: None) -> Law:
    """Find the law of a stage, and check it against a count of the workload as it is.

    The count does not depend on open sizes, so it catches a law that describes another workload.

    Args:
        tick: called with the number of each call that was traced or counted.

    Raises:
        CountError: the call fails, its counts lie on no polynomial, or the law does not give
            the workload's own count.
    """
    if not sizes_of(subject):
        return _constant(_count(subject, subject.counter, tick))
    search = Search(opened(subject), tick)
    law = measured_law(search)
    steps = int(subject.vendor.stage(subject.stage, subject.workload).steps)
    if not law.holds_at(sizes_of(subject), steps):
        raise CountError(
            f"the law of {subject.stage} does not hold at the workload's own sizes; it assumes "
            + _assumed(law)
        )
    counted = _counted(subject, search)
    try:
        _require_equal(subject.stage, _at(law, subject), _flops(counted))
    except CountError:
        if not search.took_layers_as_equal:
            raise
        return vendor_law(evolve(subject, every_layer=True), tick)
    if search.opened.grows and steps == 1:
        _hold_second_step(law, subject, search)
    missing = {(op.component, op.op) for op in counted.uncounted}
    missing -= {(op.component, op.op) for op in law.uncounted}
    for component, op in sorted(missing):
        raise CountError(f"the law of {subject.stage} does not account for {op} in {component}")
    return evolve(law, modules=counted.modules)


def count_by_law(subject: Subject, tick: Callable[[int], None] = lambda _call: None) -> Attributed:
    """Count a stage of one workload by its law: one trace, evaluated at the workload's sizes.

    Args:
        subject: with all sizes of its stage open; those below 2 are closed here.

    Raises:
        CountError: no law can be traced, or it does not hold at these sizes.
    """
    law = law_here(subject, tick)
    values = sizes_of(subject)
    steps = steps_of(subject, values)
    if not law.holds_at(values, steps):
        raise CountError(f"its law does not hold at these sizes: it assumes {_assumed(law)}")
    if law.uncounted:
        # A law does not say in how many steps they run, or how often.
        raise CountError("the vendor runs ops that the counter has no formula for")
    form = sympy.expand(sympy.Add(*law.forms.values()))
    note = f"{subject.stage} was counted by its law, measured with symbolic sizes: {form}"
    return Attributed(
        tuple(Entry(c, op, int(flops)) for (c, op), flops in _at(law, subject).items()),
        (),
        (*law.assumptions, note),
        Method.SYMBOLIC,
        subject.counter.own_formulas_of(op for _, op in law.forms),
    )


_FEW = 5
"""Assumptions that an error tells."""


def _assumed(law: Law) -> str:
    """Return the first assumptions, and how many more there are."""
    left = len(law.assumptions) - _FEW
    return "; ".join(law.assumptions[:_FEW]) + (f"; and {left} more" if left > 0 else "")


def law_here(subject: Subject, tick: Callable[[int], None] = lambda _call: None) -> Law:
    """Find the law for workloads like the subject's, from a trace with sizes below 2 closed.

    Raises:
        CountError: no law can be traced, or there is nothing to leave open.
    """
    values = sizes_of(subject)
    if not values:
        raise CountError("it has no sizes to leave open")
    open_sizes = tuple(
        size
        for size in subject.open_sizes
        if size.name in values and (size.steps or values[size.name] >= TRACED_FROM)
    )
    if not open_sizes:
        raise CountError("none of its sizes is above 1, so there is nothing to leave open")
    return vendor_law(evolve(subject, open_sizes=open_sizes, everywhere=False), tick)


def steps_of(subject: Subject, sizes: Mapping[str, int]) -> int:
    """Return the number of steps at these sizes; 1 if the stage has no steps."""
    return next((sizes[s.name] for s in subject.open_sizes if s.steps and s.name in sizes), 1)


def sizes_of(subject: Subject) -> dict[str, int]:
    """Return the sizes of the subject's stage, at its workload."""
    return dict(subject.model.stage_sizes(subject.stage, subject.workload))


def _constant(counted: Attributed) -> Law:
    """Return the law of a stage that depends on no size: its count."""
    return Law(
        forms={key: sympy.Integer(flops) for key, flops in _flops(counted).items()},
        uncounted=counted.uncounted,
        assumptions=counted.assumptions,
        modules=counted.modules,
    )


def _counted(subject: Subject, search: Search) -> Attributed:
    """Count the workload: one step of every layer, the others of equal layers once if it allows."""
    stage, counter = subject.vendor.stage(subject.stage, subject.workload), subject.counter
    once = search.layers.once(counter) if search.layers.stood_for and stage.steps != 1 else counter
    if once is not counter:
        found = (by_module(each.count(stage.prepare(1))) for each in (once, counter))
        search.done()
        once = once if next(found) == next(found) else counter
    return _count(subject, once, lambda _step: search.done())


def _hold_second_step(law: Law, subject: Subject, search: Search) -> None:
    """Count two steps where the workload has one, which tells nothing of later ones."""
    longer = [size.name for size in subject.open_sizes if size.steps]
    sizes = {**sizes_of(subject), **dict.fromkeys(longer, 2)}
    workload = subject.model.stage_workload(subject.stage, subject.workload, sizes)
    two = evolve(subject, workload=workload)
    if longer and law.holds_at(sizes, 2):
        counted = _count(two, subject.counter, lambda _step: search.done())
        _require_equal(subject.stage, _at(law, two), _flops(counted), f"at {longer[0]}=2")


def _count(subject: Subject, counter: VendorCounter, tick: Callable[[int], None]) -> Attributed:
    stage = subject.vendor.stage(subject.stage, subject.workload)
    return attribute(count_stage(counter, stage, tick), subject.vendor.component_of)


def _flops(counted: Attributed) -> dict[Key, int]:
    return sums(((entry.component, entry.op), entry.flops) for entry in counted.entries)


def _at(law: Law, subject: Subject) -> dict[Key, Dim]:
    try:
        return law.at(sizes_of(subject))
    except DimError as error:
        raise CountError(f"its law cannot be evaluated: {error}") from error


def _require_equal(
    stage: str,
    by_law: dict[Key, Dim],
    counted: dict[Key, int],
    where: str = "at the workload's own sizes",
) -> None:
    for key in dict.fromkeys((*by_law, *counted)):
        if by_law.get(key, 0) != counted.get(key, 0):
            component, op = key
            raise CountError(
                f"the law of {stage} gives {by_law.get(key, 0)} FLOPs for {op} in {component} "
                f"{where}, but {counted.get(key, 0)} were counted"
            )
