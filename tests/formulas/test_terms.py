"""Sums of terms are counted exactly, and forget what adds up to nothing."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from flopbench.formulas import ACTIVE, ALL_PAIRS, MATRICES, SMALL, Sum, Term

amounts = st.integers(-5, 5) | st.fractions(-3, 3, max_denominator=6)
sums = st.builds(Sum, st.dictionaries(st.sampled_from(Term), amounts))


@given(sums, sums, amounts)
def test_sums_add_and_scale_term_by_term(one, other, factor):
    for term in Term:
        together = one.times(term) + other.times(term)
        assert (one + other).times(term) == together
        assert (one - other).times(term) == one.times(term) - other.times(term)
        assert (factor * (one + other)).times(term) == factor * together
    assert one - one == Sum({})


def test_a_term_may_stand_for_a_sum():
    found = 3 * (MATRICES + Term.USEFUL) - Term.HEAD
    assert (found.times(Term.HEAD), found.times(Term.MLP), found.times(Term.USEFUL)) == (2, 3, 3)
    assert (Fraction(1, 2) * ALL_PAIRS).times(Term.CAUSAL) == Fraction(1, 2)


def test_no_parameter_is_in_two_groups():
    assert all(ACTIVE.times(term) == 1 for term in ACTIVE.counts)
    assert not MATRICES.counts.keys() & SMALL.counts.keys()
