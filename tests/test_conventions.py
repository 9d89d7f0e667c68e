"""Conventions: what vector work costs, and where that comes from."""

import attrs

from flopbench.conventions import Conventions


def test_every_convention_says_where_it_comes_from():
    derivations = Conventions().derivations()
    assert set(derivations) == {a.name for a in attrs.fields(Conventions)}
    assert all(derivations.values())
