"""YAML: the scalars of YAML 1.2, and a sentence for whatever does not construct."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flopbench.inputs.yaml12 import parse

SCALARS = {
    "12": 12,
    "1_000": 1000,
    "0x10": 16,
    "1:30": "1:30",
    "010": "010",
    "8k": "8k",
    "1e3": 1000.0,
    ".5": 0.5,
    ".inf": float("inf"),
    "yes": "yes",
    "off": "off",
    "true": True,
    "~": None,
    "": None,
    "'12'": "12",
    "2001-99-99": "2001-99-99",
}


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_is_what_a_person_means(text):
    assert parse(text) == SCALARS[text]
    assert type(parse(text)) is type(SCALARS[text])
    assert parse(f"a: [{text}]") == {"a": [SCALARS[text]] if text else []}


WRONG = {
    '!!int "abc"': "not an integer",
    '!!float "x"': "not a number",
    '!!bool "x"': "not true or false",
    "!!null x": "not null",
    "!!timestamp 2001-99-99": "constructor for the tag",
    "!!binary zzz": "constructor for the tag",
    "!!python/object/apply:os.getcwd []": "constructor for the tag",
    "9" * 400: "at most 40 digits",
    "a: ???": "??? stands for a value that is missing in line 1",
    "[" * 2000: "nested too deeply",
    "a: 1\na: 2": "duplicate key a in line 2",
    "? [a]\n: 1": "unhashable key",
    "<<: 3": "for merging",
    "a: 1\n---\nb: 2": "found another document in line 2",
    "&a [*a]": "more than 100,000 values",
    "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 1}]" for n in range(9)): (
        "more than 100,000 values"
    ),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20])
def test_what_does_not_construct_is_a_phrase(text):
    with pytest.raises(ValueError, match=r".") as error:
        parse(text)
    assert not isinstance(error.value, yaml.YAMLError)
    assert WRONG[text] in str(error.value)
    assert "\n" not in str(error.value)


TAGS = st.sampled_from(["int", "float", "bool", "null", "str", "seq", "map", "timestamp", "set"])


@given(st.text() | st.builds("!!{} {}".format, TAGS, st.text("0123456789abc.:-_[]{}'\" ")))
def test_any_text_is_plain_data_or_a_phrase(text):
    try:
        found = parse(text)
    except ValueError as error:
        found = "\n".join(str(error).splitlines()[:1])
    assert isinstance(found, dict | list | str | int | float | None)


@pytest.mark.parametrize("text", [r'"\UFFFFFFFF"', r'[1, "\U00110000"]', r'{a: "\UFFFFFFFE"}'])
def test_an_escape_of_no_character_is_told(text):
    with pytest.raises(ValueError, match="an escape of a character that there is not"):
        parse(text)
