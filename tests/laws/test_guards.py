"""Guards of a trace: fewer and simpler, and they hold exactly where all of them did."""

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.dims.forms import STEP, symbol
from flopbench.laws.guards import in_chunks, reduced
from flopbench.laws.law import put_in

B, S = symbol("B"), symbol("S")
RELATIONS = (sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le, sympy.Eq, sympy.Ne)


def padded(size, chunk):
    """Return a size padded to whole chunks, as a trace has it, and how many they are."""
    whole = size + sympy.Mod((chunk - 1) * size, chunk)
    return whole, sympy.floor(whole / chunk)


WHOLE, CHUNKS = padded(S, 256)
QUOTIENT = sympy.floor(WHOLE / CHUNKS)
LARGEST = sympy.Max(1, QUOTIENT)


def test_what_padding_to_chunks_leaves_is_two_relations():
    guards = [
        S >= 4,
        WHOLE > 256,
        256 * CHUNKS >= WHOLE,
        sympy.Eq(256 * CHUNKS, WHOLE),
        sympy.Eq(8192 * B * WHOLE, 2097152 * B * CHUNKS),
        sympy.Eq(sympy.Mod(WHOLE, CHUNKS), 0),
        sympy.Ne(CHUNKS, 0),
        sympy.Eq(QUOTIENT, 256),
        sympy.Ne(CHUNKS, 1),
        128 * B * QUOTIENT**2 * CHUNKS >= 2,
        sympy.Eq(LARGEST, QUOTIENT),
        sympy.Ne(B * sympy.Mod(1, 128 * CHUNKS), 0),
        sympy.Ne(128 * LARGEST, QUOTIENT),
        sympy.Or(sympy.Eq(B, 1), sympy.Eq(CHUNKS, 1), sympy.Eq(128 * LARGEST, 128 * QUOTIENT)),
        sympy.Mod(255 * S, 256) > 0,
        S <= QUOTIENT * CHUNKS,
        (CHUNKS + 1) ** 2 >= 2,
    ]
    assert reduced(guards) == [S > 256, sympy.Ne(sympy.Mod(S, 256), 0)]


def test_chunks_bound_the_size():
    ceiling = sympy.floor((S + 63) / 64)
    assert reduced([ceiling > 2]) == [S > 128]
    assert reduced([ceiling <= 2, S < 1000]) == [S <= 128]
    assert reduced([sympy.Ne(ceiling, 1), S > 7]) == [S > 64]
    assert reduced([sympy.Eq(sympy.Mod(63 * S, 64), 0)]) == [sympy.Eq(sympy.Mod(S, 64), 0)]


def test_bounds_stay_as_they_were_given_and_the_tightest_of_them():
    assert reduced([S >= 128, S > 100, S < 4095, S <= 4096]) == [S >= 128, S < 4095]
    assert reduced([S >= 2, B > 1, sympy.Ne(S, 0), B * S >= 4]) == []
    assert reduced([B + S < 9, B + S > 3]) == [B + S < 9]


def test_relations_of_the_step_are_kept_unless_all_steps_meet_them():
    assert reduced([STEP < 5, S + STEP < 9, STEP > 1]) == [STEP < 5, S + STEP < 9, STEP > 1]
    assert reduced([STEP >= 1, S + STEP > 2]) == []


def test_nothing_that_is_divided_by_what_may_be_0_is_cancelled():
    few = sympy.floor(S / 5)
    (kept,) = reduced([sympy.Eq(sympy.floor(5 * few / few), 5, evaluate=False)]) or [None]
    assert kept is None or put_in(kept, {"S": 7}) == sympy.true
    (rest,) = reduced([sympy.Eq(sympy.Mod(S, few), 0)])
    assert put_in(rest, {"S": 3}) == sympy.false


def test_a_relation_that_never_holds_is_not_lost():
    assert sympy.false in reduced([sympy.false, S > 3])
    impossible = sympy.Eq(256 * CHUNKS, WHOLE + 1)
    kept = reduced([impossible])
    assert any(put_in(guard, {"S": 300}) == sympy.false for guard in kept)


small = st.integers(-3, 3)


@st.composite
def forms(draw, depth=2):
    """Forms as traces have them: sums and products of sizes, chunks, remainders and maxima."""
    if not depth or draw(st.booleans()):
        chunk = draw(st.sampled_from([2, 3, 4]))
        whole, chunks = padded(S, chunk)
        named = [S, B, whole, chunks, sympy.Mod(S, chunk), sympy.floor((S + chunk - 1) / chunk)]
        return draw(st.sampled_from([*named, sympy.Integer(draw(small))]))
    one, other = draw(forms(depth - 1)), draw(forms(depth - 1))
    kinds = {
        "add": lambda: one + other,
        "multiply": lambda: one * other,
        "largest": lambda: sympy.Max(one, other),
        "smallest": lambda: sympy.Min(one, other),
        "divide": lambda: sympy.floor(one / (padded(S, 3)[1])),
        "modulo": lambda: sympy.Mod(one, draw(st.integers(2, 4)) * B),
    }
    return kinds[draw(st.sampled_from([*kinds]))]()


@st.composite
def relations(draw):
    one, other = draw(forms()), draw(st.one_of(forms(depth=0), small.map(sympy.Integer)))
    guard = draw(st.sampled_from(RELATIONS))(one, other)
    if draw(st.integers(0, 5)):
        return guard
    return sympy.Or(guard, draw(st.sampled_from(RELATIONS))(draw(forms(depth=0)), 1))


POINTS = [{"B": b, "S": s} for b in (2, 5) for s in (2, 3, 4, 6, 7, 9)]


def hold(guards, point):
    return all(put_in(guard, point) == sympy.true for guard in guards)


@settings(max_examples=25, deadline=None)
@given(st.lists(relations(), min_size=1, max_size=3))
def test_what_is_left_holds_exactly_where_all_did(guards):
    left = reduced(guards)
    assert len(left) <= len(guards) + 1
    assert [hold(left, point) for point in POINTS] == [hold(guards, point) for point in POINTS]


@settings(max_examples=25, deadline=None)
@given(forms())
def test_a_form_in_chunks_has_the_same_values(form):
    values = [(form - in_chunks(form)).subs({B: p["B"], S: p["S"]}) for p in POINTS]
    assert values == [0] * len(POINTS)


@pytest.mark.parametrize("chunk", [2, 64, 256])
def test_a_form_in_chunks_is_written_with_their_number(chunk):
    whole, chunks = padded(S, chunk)
    assert in_chunks(4 * whole + 8 * chunks) == (4 * chunk + 8) * sympy.ceiling(S / chunk)
    assert in_chunks(sympy.floor(-S / chunk)) == -sympy.ceiling(S / chunk)
    assert in_chunks(sympy.ceiling(whole / chunk)) == sympy.ceiling(S / chunk)
    assert in_chunks(B * S) == B * S
