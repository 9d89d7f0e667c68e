"""Whole numbers out of texts: what a person means, or a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.inputs import integer

MEANT = {
    "0": 0,
    "-7": -7,
    "+7": 7,
    "1_000": 1000,
    "0x10": 16,
    "0o10": 8,
    "0b101": 5,
    "8k": 8192,
    "8K": 8192,
    "8Ki": 8192,
    "1M": 1048576,
    "1Mi": 1048576,
    " 3k ": 3072,
}


@pytest.mark.parametrize("text", MEANT)
def test_a_number_is_what_a_person_means(text):
    assert integer(text) == MEANT[text]


REFUSED = {
    "010": "write 10, or 8 if that was octal",
    "-017": "write -17, or -15 if that was octal",
    "08": "without the leading 0",
    "1:30": "got '1:30'",
    "1e3": "got '1e3'",
    "1.0": "got '1.0'",
    "8m": "got '8m'",
    "8kk": "got '8kk'",
    "k": "got 'k'",
    "": "got ''",
    "1__0": "got '1__0'",
    "10_00": "got '10_00'",
    "٣": "an integer",
    "???": "got '???'",
    "9" * 5000: "at most 40 digits, got one of 5,000",
    "0" * 5000: "an integer",
    "x" * 5000: "(5,002 characters)",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:10])
def test_any_other_text_is_a_short_sentence(text):
    with pytest.raises(ValueError, match="an integer") as error:
        integer(text)
    assert REFUSED[text] in str(error.value)
    assert len(str(error.value)) < 200


@given(st.integers(-(10**30), 10**30))
def test_what_python_writes_is_read(number):
    assert integer(str(number)) == number
    assert integer(hex(number)) == number
    assert integer(f"{number}Ki") == 1024 * number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_sentence(text):
    try:
        found = integer(text)
    except ValueError as error:
        found = str(error)
    assert type(found) is int or found.startswith("an integer")
