"""Ranges of steps: where guards end, and sums over ranges against plain sums."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import STEP, evaluate, symbol
from flopbench.laws.step_ranges import (
    Regime,
    from_first_step,
    is_about_steps,
    joined,
    steps_where,
    strongest,
    sum_over_regimes,
    tidy,
)

K, S = symbol("K"), symbol("S")
KEY = ("core", "matmul")
small = st.integers(0, 9)


@pytest.mark.parametrize(
    ("guard", "about"),
    [
        (STEP < 7, True),
        (1 - STEP > -7, True),
        (sympy.Eq(STEP, 3), False),
        (STEP + S < 7, False),
        (sympy.Eq(sympy.Mod(STEP, 2), 0), False),
        (STEP**2 < 7, False),
    ],
)
def test_what_is_about_steps(guard, about):
    assert is_about_steps(guard) is about


@given(
    st.lists(
        st.tuples(
            st.sampled_from([sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge]),
            st.integers(-3, 3).filter(bool),
            st.integers(-30, 30),
        ),
        max_size=3,
    )
)
def test_steps_where_guards_hold_are_found_by_solving(relations):
    guards = [relation(slope * STEP, bound, evaluate=False) for relation, slope, bound in relations]
    first, last = steps_where(guards)
    for step in range(1, 40):
        holds = all(guard.subs(STEP, step) == sympy.true for guard in guards)
        assert holds == (first <= step and (last is None or step <= last))


def test_a_bound_beyond_any_step_is_still_a_bound():
    assert steps_where([STEP < 2 * 10**18]) == (1, 2 * 10**18 - 1)


def test_only_the_closest_bounds_are_kept():
    given = [S < 9, S + K < 5, S < 7, S >= 2, S >= 3, sympy.Ne(S, 4), sympy.Ne(S, 5), S < 8]
    kept = strongest(given)
    assert set(kept) == {S + K < 5, S < 7, S >= 3, sympy.Ne(S, 4), sympy.Ne(S, 5)}


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        (-S <= -127, S >= 127),
        (S + STEP - 1 >= 128, S >= 128),
        (-S - STEP + 1 < -127, S > 127),
        (S + STEP < 9, S + STEP < 9),
        (2 * S < 9, 2 * S < 9),
        (STEP >= 3, STEP >= 3),
        (K + S < 9, K + S < 9),
    ],
)
def test_how_a_guard_is_said(guard, said):
    assert tidy(from_first_step(guard)) == said


@given(st.integers(1, 9), st.integers(0, 3), st.lists(small, min_size=9, max_size=9))
def test_the_sum_over_ranges_is_the_sum_over_steps(last, singles, numbers):
    a, b, c, d, *others = numbers
    first = last + singles + 1
    forms = {step: sympy.Integer(others[step - last - 1]) * S for step in range(last + 1, first)}
    early, late = a * S + b * STEP, c * S + d * STEP**2
    single = [Regime(step, step, {KEY: form}) for step, form in forms.items()]
    regimes = joined(Regime(1, last, {KEY: early}), single, Regime(first, None, {KEY: late}))
    total = sum_over_regimes(regimes, K)[KEY]

    def at(step):
        form = early if step <= last else forms.get(step, late)
        return int(form.subs({STEP: step, S: 5}))

    for steps in range(1, first + 6):
        assert evaluate(total, {"K": steps, "S": 5}) == sum(map(at, range(1, steps + 1)))


def test_single_steps_join_the_range_whose_forms_they_have():
    early, late = Regime(1, 4, {KEY: S + STEP}), Regime(7, None, {KEY: S + 6})
    single = [Regime(5, 5, {KEY: S + 5}), Regime(6, 6, {KEY: S + 6})]
    assert [(r.first, r.last) for r in joined(early, single, late)] == [(1, 5), (6, None)]
