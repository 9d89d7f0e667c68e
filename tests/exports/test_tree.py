"""Trees have the value of the forms that they are made of."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import STEP, symbol
from flopbench.dims.forms import evaluate as of_form
from flopbench.errors import DimError
from flopbench.exports.evaluate import evaluate
from flopbench.exports.tree import (
    OPERATORS,
    InexpressibleError,
    condition,
    largest,
    of,
    renamed,
    symbols,
)

S, B = symbol("S"), symbol("B")
SIZES = st.fixed_dictionaries({"S": st.integers(1, 10**12), "B": st.integers(1, 50)})

_ATOMS = st.sampled_from([S, B]) | st.integers(-9, 2**70).map(sympy.Integer)
_ROUNDED = st.sampled_from([sympy.floor, sympy.ceiling])


def _larger(forms):
    return st.one_of(
        st.tuples(forms, forms).map(lambda p: p[0] + p[1]),
        st.tuples(forms, forms).map(lambda p: p[0] * p[1]),
        st.tuples(forms, forms).map(lambda p: sympy.Min(*p)),
        st.tuples(forms, forms).map(lambda p: sympy.Max(*p)),
        st.tuples(forms, st.integers(2, 3)).map(lambda p: p[0] ** p[1]),
        st.tuples(_ROUNDED, forms, st.integers(2, 64)).map(lambda p: p[0](p[1] / p[2])),
        st.tuples(forms, st.integers(2, 64)).map(lambda p: sympy.Mod(*p)),
        forms.map(lambda form: form * (form + 1) / 2),
    )


FORMS = st.recursive(_ATOMS, _larger, max_leaves=6)


@given(FORMS, SIZES)
def test_a_tree_has_the_value_of_its_form(form, sizes):
    assert evaluate(of(form), sizes) == of_form(form, sizes)


def test_a_sum_over_steps_adds_up_its_terms():
    form = sympy.Sum(sympy.Min(S + STEP, 7), (STEP, 1, B))
    assert evaluate(of(form), {"S": 4, "B": 6}) == 5 + 6 + 7 * 4
    assert symbols(of(form)) == {"S", "B"}


@given(st.lists(FORMS, min_size=1, max_size=5), SIZES)
def test_the_largest_is_the_largest_of_all(forms, sizes):
    assert evaluate(largest(forms), sizes) == max(of_form(form, sizes) for form in forms)


def test_what_another_one_always_covers_is_left_out():
    assert largest([S * B, 2 * S * B, S, sympy.Integer(2)]) == ["*", "2", "B", "S"]
    assert largest([S**2, 100 * S]) == ["max", ["^", "S", "2"], ["*", "100", "S"]]
    assert largest([]) == "0"


RELATIONS = [
    S < 5,
    S + B >= 3,
    sympy.Eq(sympy.Mod(S, 4), 0),
    sympy.Ne(sympy.ceiling(S / 4), 2),
    sympy.Or(S < 3, B > 7),
    sympy.And(S < 30, sympy.Ne(B, 7)),
    sympy.Not(sympy.And(S < 30, sympy.Ne(B, 7)), evaluate=False),
    S / 3 < B,
    sympy.true,
    sympy.false,
]


@given(st.sampled_from(RELATIONS), st.integers(1, 40), st.integers(1, 12))
def test_a_condition_holds_where_its_relation_does(relation, s, b):
    wanted = relation.subs({S: s, B: b}) == sympy.true
    assert evaluate(condition(relation), {"S": s, "B": b}) is wanted


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (sympy.Float(0.5) * S, "a real number"),
        (2**S, "an expected value"),
        (sympy.sin(S), "sin"),
        (sympy.Piecewise((S, S < 3)), "cases that do not cover"),
    ],
)
def test_what_no_tree_has_is_refused(form, reason):
    with pytest.raises(InexpressibleError, match=reason):
        of(form)


@given(st.integers(1, 100))
def test_cases_are_followed(s):
    form = sympy.Piecewise((S + 1, S < 5), (S**2, S < 9), (S, True))
    assert evaluate(of(form), {"S": s}) == (s + 1 if s < 5 else s**2 if s < 9 else s)


def test_a_division_with_a_rest_or_by_0_has_no_value():
    with pytest.raises(DimError, match="no whole number"):
        evaluate(["/", "7", "2"], {})
    with pytest.raises(DimError, match="divided by 0"):
        evaluate(["mod", "7", "S"], {"S": 0})


@given(FORMS)
def test_trees_use_the_operators_that_are_documented(form):
    def used(tree):
        return set() if isinstance(tree, str) else {tree[0]}.union(*map(used, tree[1:]))

    assert used(of(form)) <= set(OPERATORS)


def test_names_change_everywhere():
    assert renamed(["+", "S", ["*", "2", "S", "B"]], {"S": "x"}) == ["+", "x", ["*", "2", "x", "B"]]
