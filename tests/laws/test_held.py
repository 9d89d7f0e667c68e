"""Guards of a law, told of many sizes at once: as of each place alone."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from flopbench.dims.forms import STEP, symbol
from flopbench.errors import DimError
from flopbench.laws.held import held
from flopbench.laws.law import Law

B, S = symbol("B"), symbol("S")
SIDES = st.sampled_from([B, S, B * S, S + STEP, S - 2 * STEP, sympy.Mod(S, 4), sympy.Integer(9)])
GUARDS = st.builds(
    lambda kind, one, other: kind(one, other),
    st.sampled_from([sympy.Lt, sympy.Le, sympy.Gt, sympy.Ge]),
    SIDES,
    SIDES,
) | st.sampled_from([sympy.Ne(sympy.Mod(S, 4), 1), sympy.Eq(B, 3), sympy.Ne(B, S)])
PLACES = st.lists(
    st.tuples(st.integers(2, 12), st.integers(2, 30), st.integers(1, 9)), min_size=1, max_size=6
)


@given(st.lists(GUARDS, max_size=3), GUARDS, st.integers(2, 12), PLACES)
def test_many_places_are_told_as_each_is(guards, local, at, places):
    relations = [guard for guard in guards if isinstance(guard, sympy.core.relational.Relational)]
    if not isinstance(local, sympy.core.relational.Relational):
        local = sympy.Lt(S, 9)
    law = Law({}, guards=tuple(relations), local=((local, {"B": at}),))
    b, s, steps = (np.array(column) for column in zip(*places, strict=True))
    found = held(law, {"B": b, "S": s}, steps)
    assert found.tolist() == [law.holds_at({"B": x, "S": y}, k) for x, y, k in places]


def test_what_arrays_cannot_tell_is_left_to_each_place():
    sizes = {"S": np.array([1, 2])}
    for guard in (sympy.Or(S < 3, S > 9), sympy.Lt(STEP**2, S), sympy.Ne(STEP, S)):
        with pytest.raises(DimError, match="at once"):
            held(Law({}, guards=(guard,)), sizes, np.array([1, 1]))
