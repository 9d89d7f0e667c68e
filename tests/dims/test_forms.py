"""Closed forms: summed over steps and evaluated, exactly."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import STEP, evaluate, sum_over_steps, symbol, terms
from flopbench.errors import DimError

X, Y = symbol("x"), symbol("y")
numbers = st.integers(1, 10**6)
coefficients = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(1, 6), st.integers(0, 3), st.integers(0, 3)),
    max_size=6,
)


def polynomial(rows):
    return sum((sympy.Rational(p, q) * X**i * Y**j for p, q, i, j in rows), sympy.Integer(0))


@given(coefficients, numbers, numbers)
def test_a_polynomial_is_evaluated_as_sympy_does_or_refused_if_it_is_no_integer(rows, x, y):
    form = polynomial(rows)
    expected = form.subs({X: x, Y: y})
    if expected.is_Integer:
        assert evaluate(form, {"x": x, "y": y}) == int(expected)
    else:
        with pytest.raises(DimError, match="not a whole number"):
            evaluate(form, {"x": x, "y": y})


@given(coefficients, st.lists(st.integers(1, 1000), min_size=1, max_size=5), st.integers(1, 1000))
def test_an_array_gives_what_its_elements_give(rows, xs, y):
    form = 60 * polynomial(rows)  # 1 to 6 divide 60
    at_once = evaluate(form, {"x": np.array(xs), "y": y})
    assert np.broadcast_to(at_once, len(xs)).tolist() == [
        evaluate(form, {"x": x, "y": y}) for x in xs
    ]


@given(st.integers(1, 500), st.integers(1, 60))
def test_functions_of_tiles_and_windows(x, y):
    form = (
        sympy.floor(X / 14)
        + 3 * sympy.ceiling(X / Y)
        + sympy.Min(X, Y) * sympy.Max(X, 7)
        + sympy.Mod(X, Y)
    )
    assert evaluate(form, {"x": x, "y": y}) == x // 14 + 3 * -(-x // y) + min(x, y) * max(x, 7) + (
        x % y
    )


@given(st.integers(0, 40), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_the_sum_over_steps_is_the_sum_over_steps(steps, a, b, c):
    form = a * STEP**2 + b * STEP * X + c
    number = symbol("K", 0)
    total = sum_over_steps(form, number)
    assert evaluate(total, {"K": steps, "x": 5}) == sum(
        a * k * k + 5 * b * k + c for k in range(1, steps + 1)
    )
    assert total.is_polynomial(number)


def test_what_has_no_polynomial_sum_is_summed_term_by_term():
    total = sum_over_steps(sympy.Min(STEP, X), symbol("K"))
    assert evaluate(total, {"K": 10, "x": 4}) == 1 + 2 + 3 + 4 * 7


def test_no_value_wraps():
    with pytest.raises(DimError, match="64-bit"):
        evaluate(X**2, {"x": np.array([2**40])})


def test_a_missing_symbol_and_a_foreign_function_are_named():
    with pytest.raises(DimError, match="needs a value for y"):
        evaluate(X * Y, {"x": 1})
    with pytest.raises(DimError, match="must not contain sin"):
        evaluate(sympy.sin(X), {"x": 1})


def test_terms_are_the_coefficients_that_are_not_0():
    assert terms(3 * X**2 * Y - Y + 4 - 4) == {X**2 * Y: 3, Y: -1}
    assert terms(sympy.Integer(0)) == {}
