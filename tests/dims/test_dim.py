"""Dimensions: ints, arrays and symbols give the same, and never wrap."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims import (
    as_dim,
    ceil_div,
    consecutive_sum,
    elementwise,
    halve,
    maximum,
    minimum,
    triangle,
    where,
)
from flopbench.dims.arrays import IntArray
from flopbench.errors import DimError

naturals = st.integers(0, 10**6)
A, B = sympy.symbols("a b", integer=True, nonnegative=True)

FORMULAS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // (b + 1),
    "ceil_div": lambda a, b: ceil_div(a, b + 1),
    "minimum": minimum,
    "maximum": maximum,
    "triangle": lambda a, b: triangle(a) + b,
    "consecutive_sum": consecutive_sum,
    "where": lambda a, b: where(a <= b, a + 3, 2 * b),
    "halve": lambda a, b: halve(2 * a * b),
    "mixed with ints": lambda a, b: 3 - 2 * a + (7 + b) // 2,
}


@pytest.mark.parametrize("name", FORMULAS)
@given(st.lists(st.tuples(naturals, naturals), min_size=1, max_size=5))
def test_a_formula_is_the_same_on_ints_arrays_and_symbols(name, pairs):
    formula = FORMULAS[name]
    ints = [formula(a, b) for a, b in pairs]
    a, b = (as_dim(np.array(axis)) for axis in zip(*pairs, strict=True))
    assert formula(a, b).tolist() == ints
    form = formula(A, B)
    assert [form.subs({A: x, B: y}) for x, y in pairs] == ints


@given(st.integers(0, 10**40))
def test_python_ints_are_unbounded(n):
    assert triangle(n) == sum((n * n, n)) // 2
    assert as_dim(n) == n


@given(naturals, st.integers(0, 60))
def test_a_consecutive_sum_is_the_loop(first, count):
    assert consecutive_sum(first, count) == sum(range(first, first + count))


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        True,
        "1",
        None,
        -1,
        np.array([1.5]),
        np.array([1, -1]),
        sympy.Integer(-3),
        sympy.Rational(1, 2),
        sympy.Float(1.5),
        np.float64(2),
    ],
    ids=repr,
)
def test_what_is_no_dimension_is_refused(value):
    with pytest.raises(DimError):
        as_dim(value)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "int64"])
def test_any_integer_array_is_taken(dtype):
    assert as_dim(np.array([0, 7, 127], dtype=dtype)).tolist() == [0, 7, 127]


def test_a_function_of_ints_runs_on_every_element_and_its_result_never_wraps():
    a, b = np.array([[1, 2], [3, 4]]), np.array([5, 7])
    assert elementwise(lambda x, y: x % 2 + y, 3, 7) == 8
    found = elementwise(lambda x, y: x * y, a, b)
    assert isinstance(found, IntArray)
    assert found.tolist() == [[5, 14], [15, 28]]
    with pytest.raises(DimError, match="does not fit"):
        elementwise(lambda x: x * 2**62, a)
