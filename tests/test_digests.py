"""One text for one value."""

import dataclasses
import json
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench import UsageError, digests
from flopbench.digests import canonical, distinct, json_digest, source_digest, to_json
from flopbench.registry.catalog import Catalog


@attrs.frozen(repr=False, eq=False)
class Hidden:
    seen: int
    unseen: object = attrs.field(default=1, repr=False)


@dataclasses.dataclass
class Data:
    x: int


@attrs.frozen
class Other:
    seen: int
    unseen: object = 1


def test_fields_that_repr_hides_count():
    assert canonical(Hidden(1, 2)) != canonical(Hidden(1, 3))
    assert canonical(Hidden(1, Data(2))) == canonical(Hidden(1, Data(2)))
    assert canonical(Hidden(1)) != canonical(Other(1))


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_texts_are_equal_where_values_are(a, b):
    assert canonical(a) == canonical(a)
    if canonical(a) == canonical(b):
        assert a == b


def test_order_counts_in_a_list_and_not_in_a_mapping_or_a_set():
    assert canonical([1, 2]) != canonical([2, 1])
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert canonical({3, 1, 2}) == canonical({2, 3, 1})
    assert canonical(np.int64(3)) == canonical(3)
    assert canonical([True]) != canonical([1])


def test_what_nobody_knows_the_fields_of_is_refused_and_is_like_nothing():
    with pytest.raises(TypeError, match="a object has no canonical text: its fields are unknown"):
        canonical({"x": [object()]})
    value = object()
    assert distinct(value) != distinct(value)
    assert distinct((1, "x")) == distinct((1, "x"))


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats()),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.builds(Data, inner)
        | st.builds(Hidden, st.integers(), inner)
    ),
    max_leaves=8,
)


@given(ANY)
def test_json_holds_strictly_what_values_hold_and_is_its_own_json(value):
    found = to_json(value)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found == to_json(found)


@given(ANY, ANY)
def test_digests_are_equal_where_json_is(a, b):
    texts = [json.dumps(to_json(v), sort_keys=True, allow_nan=False) for v in (a, b)]
    assert (json_digest(to_json(a)) == json_digest(to_json(b))) == (texts[0] == texts[1])


def test_json_has_fields_by_name_and_special_floats_as_transformers_writes_them():
    value = Hidden(1, {2: (Data(np.int64(3)), float("inf")), "s": {"b", "a"}})
    assert to_json(value) == {
        "seen": 1,
        "unseen": {"2": [{"x": 3}, {"__float__": "Infinity"}], "s": ["a", "b"]},
    }
    assert to_json(float("nan")) == {"__float__": "NaN"}
    with pytest.raises(TypeError, match="its fields are unknown"):
        to_json([object()])
    with pytest.raises(TypeError, match="have the same text"):
        to_json({1: "a", "1": "b"})


def test_the_files_of_a_package_are_listed_once_for_all_of_its_classes(monkeypatch):
    listed = []
    rglob = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *it: listed.append(it) or rglob(*it))
    digests._sources.cache_clear()
    assert source_digest(UsageError) == source_digest(Catalog) is not None
    assert len(listed) == 1
