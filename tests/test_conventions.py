"""Conventions: what vector work costs, and where that comes from."""

import attrs

from flopbench.conventions import NESTED, Conventions


def test_every_convention_says_where_it_comes_from():
    derivations = Conventions().derivations()
    assert set(derivations) == {a.name for a in attrs.fields(Conventions)} - set(NESTED)
    for name in NESTED:
        table = getattr(Conventions(), name)
        assert set(table.derivations()) == {a.name for a in attrs.fields(type(table))}
        assert all(table.derivations().values())
    assert all(derivations.values())
