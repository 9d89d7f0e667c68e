"""A share is read exactly, and never guessed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench import UsageError
from flopbench.inputs.shares import share


@given(st.integers(0, 10**6), st.integers(0, 6))
def test_a_percentage_is_exact_whatever_its_decimals(number, decimals):
    whole, part = divmod(number, 10**decimals)
    text = f"{whole}.{part:0{decimals}}" if decimals else f"{whole}"
    assert share(f"{text}%", "it") == Fraction(number, 100 * 10**decimals)
    assert share(f" {text} % ", "it") == share(f"{text}%", "it")


@given(st.fractions(0, 1).filter(lambda f: f < 1))
def test_a_fraction_is_itself(value):
    assert share(value, "it") == value


@given(st.floats(0, 1, exclude_max=True))
def test_a_float_is_the_decimal_that_python_shows(value):
    assert share(value, "it") == Fraction(repr(value))


@pytest.mark.parametrize("value", [0, "0", "0%", 0.0])
def test_none_is_allowed(value):
    assert share(value, "it") == 0


@pytest.mark.parametrize("value", [1, "1", 5, "2.5", 1.0, Fraction(3, 2)])
def test_a_number_of_1_or_more_may_mean_two_things(value):
    with pytest.raises(UsageError, match=r"^it .* may mean two things: write '.*%', or 0.01 "):
        share(value, "it")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1 %%",
        "-1%",
        -0.5,
        "a lot",
        None,
        True,
        float("nan"),
        float("inf"),
        "1e-3",
        "0,01",
        "9" * 10**6,
        [1],
    ],
)
def test_what_is_no_share_is_told(value):
    with pytest.raises(UsageError, match=r"^it must be a share such as 1% or 0.01, got ") as error:
        share(value, "it")
    assert len(str(error.value)) < 200
