"""Arrays of dimensions: exact, or an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims import (
    as_dim,
)
from flopbench.dims.arrays import IntArray
from flopbench.errors import DimError

INT64_MAX = 2**63 - 1


signed = st.integers(-(2**63), INT64_MAX)


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
