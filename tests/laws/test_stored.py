"""Closed forms as data: the same form comes back, and nothing else does."""

import json

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import evaluate, sum_over_steps, symbol
from flopbench.laws.stored import restored, stored

SIZES = {name: symbol(name) for name in "BSK"}
LEAVES = st.sampled_from([*SIZES.values()]) | st.integers(1, 9).map(sympy.Integer)
FORMS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, inner).map(lambda pair: sympy.Max(*pair)),
        st.tuples(inner, inner).map(lambda pair: sympy.Min(*pair)),
        st.tuples(inner, inner).map(lambda pair: sympy.Mod(*pair)),
        inner.map(lambda form: form**2),
        inner.map(lambda form: sympy.floor(form / 3)),
        inner.map(lambda form: sympy.ceiling(form / 7)),
    ),
    max_leaves=6,
)


@given(FORMS, st.lists(st.integers(1, 50), min_size=3, max_size=3))
def test_a_form_from_its_data_has_the_same_values(form, sizes):
    again = restored(json.loads(json.dumps(stored(form))))
    values = dict(zip("BSK", sizes, strict=True))
    assert evaluate(again, values) == evaluate(form, values)
    assert stored(again) == stored(form)


def test_a_sum_that_has_no_closed_form_is_kept():
    k, s = symbol("k"), SIZES["S"]
    form = sum_over_steps(sympy.Min(s, 3 * k), SIZES["K"])
    again = restored(json.loads(json.dumps(stored(form))))
    assert evaluate(again, {"S": 7, "K": 4}) == 3 + 6 + 7 + 7


def test_what_cannot_be_evaluated_is_not_stored():
    with pytest.raises(TypeError, match="must not contain log"):
        stored(sympy.log(SIZES["S"]))
