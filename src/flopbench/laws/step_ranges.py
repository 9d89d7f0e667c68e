"""Decoding that runs differently from some step on: when a window is full, say.

A trace takes one way at each branch. Where a branch depends on the step number alone, both
ways are traced, and the forms of the steps before and after are summed separately.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy
from attrs import Factory, evolve, frozen

from flopbench.dims.forms import STEP
from flopbench.errors import CountError
from flopbench.laws.law import Key

MOST_SINGLE = 16
"""The most steps between two ways to run that are traced one by one."""


@frozen(eq=False)
class Regime:
    """Forms of one step, for steps ``first`` to ``last``; for all later ones if that is None.

    Attributes:
        uncounted: calls of ops that have no formula.
    """

    first: int
    last: int | None
    forms: Mapping[Key, sympy.Expr]
    uncounted: Mapping[Key, int] = Factory(dict)


def is_about_steps(guard: sympy.Basic) -> bool:
    """Return whether a relation depends on the step number alone, and holds for a range of it."""
    return guard.free_symbols == {STEP} and is_bound(guard)


def is_bound(guard: sympy.Basic) -> bool:
    """Return whether a relation holds up to some step, or from some step on."""
    ordered = isinstance(guard, sympy.Rel)
    if not ordered or isinstance(guard, sympy.Equality | sympy.Unequality):
        return False
    form = sympy.expand(guard.lhs - guard.rhs)
    linear = bool(form.is_polynomial(STEP)) and sympy.degree(form, STEP) == 1
    return linear and not form.coeff(STEP).has(STEP)


def from_first_step(guard: sympy.Basic) -> sympy.Basic:
    """Reduce a relation of sizes and the step to one of sizes, if the first step decides it.

    S + k > 128 in all steps k = 1, 2, … means that S + 1 > 128.
    """
    if not is_bound(guard) or guard.free_symbols == {STEP}:
        return guard
    slope = sympy.expand(guard.lhs - guard.rhs).coeff(STEP)
    grows = isinstance(guard, sympy.GreaterThan | sympy.StrictGreaterThan) and slope.is_positive
    shrinks = isinstance(guard, sympy.LessThan | sympy.StrictLessThan) and slope.is_negative
    return guard.subs(STEP, 1) if grows or shrinks else guard


def tidy(guard: sympy.Basic) -> sympy.Basic:
    """Return a bound with the sizes alone on the left: S >= 127 for -S <= -127.

    Bounds on anything but a sum of sizes are left as they are.
    """
    if not isinstance(guard, sympy.Rel):
        return guard
    form = sympy.expand(guard.lhs - guard.rhs)
    if not form.is_polynomial(*form.free_symbols):
        return guard
    sizes, rest = sympy.Add(*form.free_symbols), form.subs(dict.fromkeys(form.free_symbols, 0))
    for sign, turned in ((1, guard), (-1, guard.reversedsign)):
        if sympy.expand(sign * form - sizes).is_Integer:
            return turned.func(sizes, -sign * rest)
    return guard


_UPPER = (sympy.LessThan, sympy.StrictLessThan)
_BOUNDS = (*_UPPER, sympy.GreaterThan, sympy.StrictGreaterThan)


def strongest(guards: Iterable[sympy.Basic]) -> list[sympy.Basic]:
    """Drop bounds that follow from a tighter one on the same sizes."""
    kept: dict[tuple[object, object], sympy.Basic] = {}
    for guard in guards:
        if not (isinstance(guard, _BOUNDS) and guard.rhs.is_Integer):
            kept[None, guard] = guard
            continue
        known = kept.setdefault((guard.func, guard.lhs), guard)
        if (guard.rhs < known.rhs) == isinstance(guard, _UPPER):
            kept[guard.func, guard.lhs] = guard
    return list(kept.values())


def steps_where(guards: Iterable[sympy.Basic]) -> tuple[int, int | None]:
    """Return the first and last step at which all guards hold; None if there is no last.

    Args:
        guards: each satisfies `is_about_steps`.
    """
    first, last = 1, None
    for guard in guards:
        low, high = _steps_of(guard)
        first = max(first, low)
        if high is not None:
            last = high if last is None else min(last, high)
    return first, last


def _steps_of(guard: sympy.Basic) -> tuple[int, int | None]:
    """Solve slope * k + rest < 0 (or <= 0) for k."""
    form = sympy.expand(guard.lhs - guard.rhs)
    if isinstance(guard, sympy.GreaterThan | sympy.StrictGreaterThan):
        form = sympy.expand(-form)
    slope = form.coeff(STEP)
    root = -form.subs(STEP, 0) / slope
    strict = isinstance(guard, sympy.StrictLessThan | sympy.StrictGreaterThan)
    if slope.is_negative:
        return int(sympy.floor(root)) + 1 if strict else int(sympy.ceiling(root)), None
    return 1, int(sympy.ceiling(root)) - 1 if strict else int(sympy.floor(root))


def joined(before: Regime, single: list[Regime], after: Regime) -> list[Regime]:
    """Merge the single steps between two ranges into the range whose forms they share."""
    while single and _has_forms(after, single[-1]):
        after = evolve(after, first=single.pop().first)
    while single and _has_forms(before, single[0]):
        before = evolve(before, last=single.pop(0).last)
    return [before, *single, after]


def _has_forms(regime: Regime, one: Regime) -> bool:
    same = (regime.forms.keys(), regime.uncounted) == (one.forms.keys(), one.uncounted)
    return same and all(
        sympy.expand(form.subs(STEP, one.first) - one.forms[key]) == 0
        for key, form in regime.forms.items()
    )


def sum_over_regimes(regimes: Iterable[Regime], steps: sympy.Expr) -> dict[Key, sympy.Expr]:
    """Sum the forms over the steps 1..steps, each over its own range.

    Raises:
        CountError: a form is not a polynomial in the step number.
    """
    totals: dict[Key, sympy.Expr] = {}
    for regime in regimes:
        before = regime.first - 1
        # The end of the range, or its start if it is not reached: Max(steps, before).
        end = steps + before - sympy.Min(steps, before)
        if regime.last is not None:
            end = before + sympy.Min(steps, regime.last) - sympy.Min(steps, before)
        for key, form in regime.forms.items():
            total = _summed(form, end) - _summed(form, sympy.Integer(before))
            totals[key] = sympy.expand(totals.get(key, 0) + total)
    return totals


def _summed(form: sympy.Expr, last: sympy.Expr) -> sympy.Expr:
    """Return the sum over the steps 1..last."""
    if not form.is_polynomial(STEP):
        raise CountError(f"{form} is not a polynomial in the step number")
    bound = sympy.Dummy("n", integer=True, nonnegative=True)
    return sympy.summation(form, (STEP, 1, bound)).subs(bound, last)
