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

INT64_MAX = 2**63 - 1
naturals = st.integers(0, 10**6)
signed = st.integers(-(2**63), INT64_MAX)
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


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "floor_divide"])
@given(st.lists(st.tuples(signed, signed), min_size=1, max_size=4))
def test_an_array_is_exact_or_an_error_for_any_int64(name, pairs):
    operation = {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "floor_divide": lambda a, b: a // b,
    }[name]
    if name == "floor_divide":
        pairs = [(a, b or 1) for a, b in pairs]
    exact = [operation(a, b) for a, b in pairs]
    a, b = (IntArray.of(np.array(axis, dtype=np.int64)) for axis in zip(*pairs, strict=True))
    if all(-INT64_MAX - 1 <= value <= INT64_MAX for value in exact):
        assert operation(a, b).tolist() == exact
    else:
        with pytest.raises(DimError, match="does not fit"):
            operation(a, b)


@given(st.integers(2**32, 2**70))
def test_a_python_int_beyond_int64_never_wraps_an_array(scale):
    array = as_dim(np.array([0, 1, 2**31]))
    with pytest.raises(DimError, match="does not fit"):
        array * scale
    assert (as_dim(np.array([0, 0])) * scale).tolist() == [0, 0]


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


def test_an_unsigned_value_that_int64_cannot_hold_is_refused():
    with pytest.raises(DimError, match="does not fit"):
        as_dim(np.array([2**63], dtype=np.uint64))


@pytest.mark.parametrize(
    "inexact",
    [
        lambda a: a / 2,
        lambda a: a**2,
        np.sqrt,
        np.add.reduce,
        lambda a: np.dot(a, a),
        lambda a: np.einsum("i,i->", a, a),
        lambda a: a + 0.5,
        lambda a: np.add(a, 1, out=np.zeros(2, dtype=np.int64)),
        lambda a: a // 0,
    ],
)
def test_what_could_be_inexact_is_refused(inexact):
    with pytest.raises(DimError):
        inexact(as_dim(np.array([1, 2])))


def test_comparisons_and_extremes_are_plain():
    array = as_dim(np.array([3, 1]))
    assert (array > 2).tolist() == [True, False]
    assert array.max() == 3
    assert array.min() == 1


def test_mixed_integer_types_stay_exact():
    array = as_dim(np.array([2**53 + 1]))
    assert (array + np.zeros(1, dtype=np.uint64)).tolist() == [2**53 + 1]
    assert (array * np.uint64(3)).tolist() == [3 * (2**53 + 1)]
    element = array[0]
    assert type(element) is int
    assert element * 2**60 == (2**53 + 1) * 2**60


def test_a_function_of_ints_runs_on_every_element_and_its_result_never_wraps():
    a, b = np.array([[1, 2], [3, 4]]), np.array([5, 7])
    assert elementwise(lambda x, y: x % 2 + y, 3, 7) == 8
    found = elementwise(lambda x, y: x * y, a, b)
    assert isinstance(found, IntArray)
    assert found.tolist() == [[5, 14], [15, 28]]
    with pytest.raises(DimError, match="does not fit"):
        elementwise(lambda x: x * 2**62, a)


@given(st.lists(st.integers(-(2**30), 2**30), min_size=1))
def test_what_a_number_leaves_as_it_is_is_not_computed(values):
    array = IntArray.of(np.array(values))
    assert array + 0 is 0 + array is array * 1 is 1 * array is array
    assert np.maximum(array, min(values)) is np.maximum(min(values), array) is array
    for number in (0, 1, -1, max(values)):
        assert np.maximum(array, number).tolist() == [max(v, number) for v in values]
        assert (array - number).tolist() == [v - number for v in values]
        assert (array * number).tolist() == [v * number for v in values]


def test_what_can_still_be_written_to_is_no_result():
    array = np.array([1, 2]).view(IntArray)
    found = array + 0
    array[0] = 7
    assert found.tolist() == [1, 2]
