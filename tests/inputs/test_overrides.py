"""Python values as KEY=VALUE texts: what the configuration reads from them is the same value."""

import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from flopbench.errors import UsageError
from flopbench.inputs import yaml12
from flopbench.inputs.options import names, path, settings, some
from flopbench.inputs.overrides import overrides, varied, written
from flopbench.plan.layers import merged

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["8k", "null", "true", "no", "1:30", "010", "0x10", "~", "<<", "a,b", "é", "\u2028", "\x85\n"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False)
    | TEXTS.filter(lambda text: text != "???")
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(VALUES)
def test_yaml_reads_the_same_value(value):
    text = written("key", value)
    assert "\n" not in text
    found = yaml12.parse(text)
    assert found == value
    assert type(found) is type(value)


SECTIONS = st.dictionaries(
    st.sampled_from("abc"),
    st.integers(-5, 5) | st.sampled_from(["tiny", "a b", "", "x=y", "1"]) | st.lists(st.integers()),
    min_size=1,
)


@given(SECTIONS | st.fixed_dictionaries({"d": SECTIONS}))
def test_the_configuration_merges_the_same_values(values):
    empty = any(value == "" for value in (*values.values(), *values.get("d", {}).values()))
    texts = list(overrides("workload", values))
    if empty:
        with pytest.raises(UsageError, match="has no value"):
            merged((), texts, {"workload": object})
        return
    found = merged((), texts, {})
    assert found == {"workload": values}
    assert OmegaConf.create(found) == {"workload": values}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("tiny", "tiny"),
        ("a/b.json", "a/b.json"),
        (Path("a b"), '"a b"'),
        ("1", '"1"'),
        ("no", "no"),
        ("true", '"true"'),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (Fraction(1, 4), "0.25"),
        (range(1, 6, 2), "[1,3,5]"),
        ((1024, 768), "[1024,768]"),
        ([], "[]"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
    ],
)
def test_what_is_written(value, text):
    assert written("key", value) == text


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", Decimal(1), lambda: 0])
def test_what_has_no_text_is_refused(value):
    with pytest.raises(UsageError, match=r"^workload\.a must be a number, text, boolean, path,"):
        list(overrides("workload", {"a": [value]}))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("mode=tiny", "workload must be a mapping of keys, got 'mode=tiny'"),
        ({1: 2}, "workload must have names as keys, got 1"),
        ({"": 2}, "workload must have names as keys, got ''"),
        ({"mode=a": 2}, "workload must have names as keys, got 'mode=a'"),
    ],
)
def test_a_section_is_a_mapping_of_names(values, said):
    with pytest.raises(UsageError) as caught:
        list(overrides("workload", values))
    assert str(caught.value) == said


def test_inner_mappings_are_dotted_keys():
    given = {"crop_grid": {"rows": 1, "cols": 2}, "empty": {}}
    assert [*overrides("workload", given)] == [
        "workload.crop_grid.rows=1",
        "workload.crop_grid.cols=2",
        "workload.empty={}",
    ]
    assert list(overrides("workload", None)) == []


def test_varied_keys_are_texts_of_vary():
    given = {"workload.n": range(1, 4), "model.dtype": ["bfloat16", "float16"], "workload.m": 4}
    assert varied(given) == ("workload.n=1,2,3", "model.dtype=bfloat16,float16", "workload.m=4")
    assert varied({"workload.n": "1:9:2"}) == ("workload.n=1:9:2",)
    assert varied("workload.n=1,2") == ("workload.n=1,2",)
    assert varied(["workload.n=1,2", "model.a=b"]) == ("workload.n=1,2", "model.a=b")
    assert varied({"workload.crop_grid": [{"rows": 1, "cols": 2}]}) == (
        "workload.crop_grid={rows: 1, cols: 2}",
    )


def test_names_are_a_list_or_a_text():
    assert names(" eager, ,flash") == names(iter(["eager", "flash"])) == ["eager", "flash"]
    assert names(None) is None
    for nothing in (None, "", ",", []):
        with pytest.raises(UsageError, match=r"^--format must name at least one$"):
            some("--format", nothing)


def test_a_path_is_a_text_or_a_path():
    assert path("--out", "a") == path("--out", Path("a")) == Path("a")
    for wrong, said in (
        (3, "--out must be a path, got 3"),
        ("", "--out is empty: it needs a path"),
    ):
        with pytest.raises(UsageError) as caught:
            path("--out", wrong)
        assert str(caught.value) == said


def test_settings_hold_what_is_given():
    assert settings() == {}
    assert settings(image=Path("p"), stages=["a"], analytic_only=True, method="auto") == {
        "workload.image": "p",
        "run.stages": ["a"],
        "run.analytic_only": True,
        "run.method": "auto",
    }
