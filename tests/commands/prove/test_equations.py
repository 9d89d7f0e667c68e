"""Two forms of one number: equal however they are written, under what is assumed."""

import pytest
import sympy

from flopbench.commands.prove.equations import _is_another, simplified
from flopbench.dims.forms import symbol

K, S = symbol("K"), symbol("S")


def test_a_bound_on_a_sum_of_sizes_is_put_in():
    """Below a window, its minimum is the number of steps."""
    form = sympy.Min(K, sympy.Max(0, 40 - S)) - K
    assert simplified(form, (S + K < 41,)) == 0
    assert simplified(form, (S + K < 42,)) != 0


def test_forms_of_one_window_are_equal_however_they_are_written():
    """The sum of min(k, 9): up to 9 and from then on, or up to 8."""

    def form(growing):
        grown = sympy.Min(growing, K)
        return grown * (grown + 1) / 2 + 9 * (K - grown)

    assert simplified(form(9) - form(8), ()) == 0
    assert simplified(form(9) - form(7), ()) != 0
    assert simplified(form(9) - form(10), ()) != 0


def test_a_point_beyond_what_holds_in_the_last_step_shows_no_difference():
    """A window that S + k fills: the law holds while it does not, and says nothing of later."""
    batch, size, steps, step = (sympy.Symbol(n, integer=True, positive=True) for n in "BSKk")
    guards = (size + step < 8191,)
    before = sympy.Min(steps, sympy.Max(0, 8191 - size))
    assert not _is_another(batch * (before - steps), guards)
    assert _is_another(batch * (before - steps + 1), guards)


@pytest.mark.parametrize(("chunk", "left"), [(4, False), (3, True)])
def test_a_multiple_of_a_chunk_is_that_many_chunks(chunk, left):
    tokens = symbol("S")
    difference = 3 * tokens - 12 * sympy.ceiling(tokens / 4)
    guards = (sympy.Eq(sympy.Mod(tokens, chunk), 0),)
    assert (simplified(difference, guards) != 0) is left
