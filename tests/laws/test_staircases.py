"""Laws of sizes that a program cuts into chunks."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.errors import CountError
from flopbench.laws.staircases import interpolate_in_chunks

X, B = (sympy.Symbol(name, positive=True, integer=True) for name in "XB")
KEY = ("module", "op")
WHOLE = st.integers(0, 9)


def counted(chunk, padded, ragged, rest, batch=1):
    """Count the products of chunks as a loop runs them: padded ones, and a shorter last one."""

    def value(x):
        total, start = 0, 0
        while start < x:
            here = min(chunk, x - start)
            total += padded * chunk * chunk + ragged * here * here
            start += chunk
        return {KEY: sympy.Integer(total + rest * x * x + 3 * x) * batch}

    return value


@given(st.integers(3, 64), WHOLE, WHOLE, WHOLE, st.integers(8, 400))
def test_what_a_loop_over_chunks_does_is_found(chunk, padded, ragged, rest, at):
    value = counted(chunk, padded, ragged, rest, batch=B)
    found = interpolate_in_chunks(X, chunk, value, high=100)
    assert sympy.expand(found.forms[KEY].subs(X, at) - value(at)[KEY]) == 0


def test_other_staircases_are_refused():
    value = counted(16, 1, 0, 0)
    with pytest.raises(CountError, match="number of chunks of 24 of degree 3"):
        interpolate_in_chunks(X, 24, value, high=100)


def test_a_key_that_is_missing_counts_as_0():
    def value(x):
        return {KEY: sympy.Integer(x)} | ({("other", "op"): sympy.Integer(5)} if x > 16 else {})

    with pytest.raises(CountError):
        interpolate_in_chunks(X, 16, value, high=100)
