"""The law of a stage: the forms of one step, summed over all steps, and what they assume.

Where the program runs differently from some step on, both ways are searched.
"""

from __future__ import annotations

from attrs import evolve

from flopbench.dims.forms import STEP
from flopbench.errors import CountError
from flopbench.laws.assumptions import MANY_WAYS
from flopbench.laws.counted_points import LayersDifferError
from flopbench.laws.law import Law, Slice
from flopbench.laws.opened import TRACED_FROM, Opened
from flopbench.laws.search import Found, Names, Search, without
from flopbench.laws.step_ranges import MOST_SINGLE, Regime, joined, steps_where, sum_over_regimes
from flopbench.vendor.attribution import UncountedOp
from flopbench.vendor.method import Method


def measured_law(search: Search) -> Law:
    """Search for the law of a stage.

    Raises:
        CountError: the call fails, or its counts lie on no polynomial.
    """
    try:
        return _measured(search)
    except (CountError, LayersDifferError):
        if not search.points.took_layers_as_equal:
            raise
        search.begin_anew()
        return _measured(search)


def _measured(search: Search) -> Law:
    opened, assumed = search.opened, search.assumed
    names = tuple(opened.symbols)
    # Decoding begins with step 1, whatever the sizes.
    free = names if search.opened.everywhere else tuple({STEP.name} & set(names))
    found = search.find(names, {}, free)
    regimes = _regimes(search, found, names, free)
    opened = search.opened
    assumed.require_all_steps()
    slices = [Slice(piece.sizes, opened.over_steps(piece.forms)) for piece in assumed.slices]
    whole = sum_over_regimes(regimes, opened.steps) if regimes else opened.over_steps(found.forms)
    return Law(
        forms=whole,
        slices=tuple(sorted(slices, key=lambda piece: len(piece.sizes))),
        uncounted=tuple(
            UncountedOp(component, op, calls)
            for (component, op), calls in opened.by_component(assumed.uncounted).items()
        ),
        assumptions=(
            *assumed.texts(opened.steps),
            *search.layers.texts(),
            *search.points.texts(),
        ),
        guards=tuple(assumed.in_all_steps(opened.steps)),
        local=assumed.local,
        method=max(
            found.method, opened.steps_method, key=(Method.SYMBOLIC, Method.INTERPOLATED).index
        ),
    )


def _regimes(search: Search, found: Found, names: Names, free: Names) -> list[Regime]:
    """Return the ranges of steps that run differently; none if all steps run alike.

    Raises:
        CountError: there are more than two ways, or a size decides which one runs.
    """
    first, last = steps_where(search.assumed.take_steps())
    if first > TRACED_FROM:
        raise CountError(MANY_WAYS)
    if last is None:
        return []
    far = {**search.opened.values, STEP.name: last + 2 * MOST_SINGLE}
    search.opened = evolve(search.opened, values=far)
    early = _regime(search.opened, 1, last, found)
    late, between = _later(search, last, names, without(free, STEP.name))
    regimes = joined(early, between, late)
    note = f"steps up to {regimes[0].last} and from {regimes[-1].first} on were traced separately"
    note += ", and each step between them alone" if between else ""
    search.assumed.notes[note] = None
    return regimes


def _later(search: Search, last: int, names: Names, free: Names) -> tuple[Regime, list[Regime]]:
    """Trace a step far after ``last``, and each step between the two ways to run."""
    assumed, opened = search.assumed, search.opened
    known = len(assumed.guards)
    later = search.find(names, {}, free)
    first, end = steps_where(assumed.take_steps())
    first = max(first, last + 1)
    if end is not None or first - last > MOST_SINGLE:
        raise CountError(MANY_WAYS)
    rest = without(names, STEP.name)
    single = {v: search.find(rest, {STEP.name: v}, free) for v in range(last + 1, first)}
    new = assumed.guards[known:]
    about_later = any(STEP in guard.free_symbols or STEP.name in f for guard, f in new)
    unclear = any(one.method is not Method.SYMBOLIC for one in (later, *single.values()))
    if about_later or unclear or assumed.slices:
        raise CountError(MANY_WAYS)
    return (
        _regime(opened, first, None, later),
        [_regime(opened, step, step, one) for step, one in single.items()],
    )


def _regime(opened: Opened, first: int, last: int | None, found: Found) -> Regime:
    forms, uncounted = opened.by_component(found.forms), opened.by_component(found.uncounted)
    return Regime(first, last, forms, uncounted)
