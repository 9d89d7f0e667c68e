"""Polynomials from exact values, confirmed where they were not made."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import symbol
from flopbench.errors import CountError
from flopbench.laws.interpolation import interpolate

N, S = symbol("n"), symbol("S")
KEY = ("layer", "mm")


@given(
    st.lists(st.fractions(-50, 50, max_denominator=6), min_size=1, max_size=5),
    st.integers(0, 5),
    st.integers(1, 300),
)
def test_every_polynomial_of_degree_4_is_found(coefficients, low, high):
    form = sum((sympy.Rational(c) * N**i for i, c in enumerate(coefficients)), sympy.Integer(0))
    found = interpolate(N, lambda n: {KEY: form.subs(N, n)}, low=low, high=high)
    assert sympy.expand(found.forms[KEY] - form) == 0
    assert found.degree == (sympy.degree(form, N) if form != 0 else 0)
    assert len(found.used) == found.degree + 2  # one more shows the degree
    assert not set(found.used) & set(found.confirmed)
    assert max(found.confirmed) > high


def test_values_may_be_forms_in_other_symbols():
    found = interpolate(N, lambda n: {KEY: S**2 * n + S * n**2}, low=1, high=9)
    assert sympy.expand(found.forms[KEY] - (S**2 * N + S * N**2)) == 0


@pytest.mark.parametrize(
    "value",
    [
        lambda n: n // 7,  # a stair, flat where the polynomial is made
        lambda n: 5 if n < 60 else 6,
        lambda n: n % 2,
        lambda n: 2**n,
    ],
    ids=["stairs", "a late step", "parity", "exponential"],
)
def test_what_is_no_polynomial_is_refused(value):
    with pytest.raises(CountError, match="lie on no polynomial"):
        interpolate(N, lambda n: {KEY: sympy.Integer(value(n))}, low=1, high=50)


def test_a_key_that_appears_later_counts_as_0_before():
    with pytest.raises(CountError, match="lie on no polynomial"):
        interpolate(
            N,
            lambda n: (
                {KEY: sympy.Integer(n)} | ({("late", "mm"): sympy.Integer(1)} if n > 9 else {})
            ),
            low=1,
            high=50,
        )
