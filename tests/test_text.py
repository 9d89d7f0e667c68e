"""Texts of reports: numbers as people read them, names that do no harm, JSON that is JSON."""

import json
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.text import (
    as_markdown,
    cell,
    json_text,
    key_values,
    milliseconds,
    one_line,
    si,
    visible,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.96, "1 kB"),
        (1000, "1 kB"),
        (123_456, "123.5 kB"),
        (6_671_008_256, "6.671 GB"),
        (10**18, "1 EB"),
        (1.944 * 10**23, "194.4 ZB"),
    ],
)
def test_sizes_have_decimal_prefixes(value, text):
    assert si(value, "B") == text


BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text() | st.text(st.sampled_from("a\x1b\x9b\n\t\r\u2028\ud800\ufeff" + BIDI)))
def test_what_is_shown_steers_nothing_and_means_the_same_in_json(text):
    shown = visible(text)
    for character in shown:
        assert character in "\n\t" or unicodedata.category(character) not in {
            "Cc",
            "Cs",
            "Zl",
            "Zp",
        }
        assert character not in BIDI
    shown.encode()
    quoted = json.dumps(text, ensure_ascii=False)
    assert json.loads(visible(quoted)) == text
    assert len(one_line(text).split("\n")) == 1
    assert visible(shown) == shown


def test_what_people_write_is_shown_as_it_is():
    for text in ("page.png", "文書.png", "Größe", "👩‍💻.png", "می‌خواهم", "a$b", "100 %"):
        assert visible(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_like_a_formula_is_text_to_a_spreadsheet(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["page", "", "1-2", -5, -0.5, None, True, [1]])
def test_other_cells_are_as_they_were(value):
    assert cell(value) is value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_is_json_whatever_a_float_is(value):
    def refuse(name):
        raise AssertionError(name)

    def same(found, given):
        if isinstance(given, float) and not math.isfinite(given):
            return found == {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(given)]
        if isinstance(given, list):
            return len(found) == len(given) and all(map(same, found, given))
        if isinstance(given, dict):
            return found.keys() == given.keys() and all(same(found[k], given[k]) for k in given)
        return found == given

    assert same(json.loads(json_text(value, 1), parse_constant=refuse), value)


def test_lists_of_mappings_look_as_a_user_types_them():
    values = {"requests": ({"new": 5, "cached": 7}, {"new": 1}), "sizes": (1, 2), "none": None}
    assert list(key_values(values)) == ["requests=[{new: 5, cached: 7}, {new: 1}]", "sizes=[1, 2]"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.3309, "0.3309"),
        (2355.7, "2356"),
        (9999.4, "9999"),
        (9999.5, "10,000"),
        (63900.4, "63,900"),
    ],
)
def test_milliseconds_have_no_exponent(value, text):
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("models/qwen3_moe.json", "models/qwen3_moe.json"),
        ("<b>&amp;", r"\<b\>\&amp;"),
        ("_a_ *b* `c` [d](e) ~~f~~ # g $h$", r"\_a\_ \*b\* \`c\` \[d\](e) \~\~f\~\~ \# g \$h\$"),
        ("a\\<b", r"a\\\<b"),
    ],
)
def test_markdown_shows_text_as_it_is(text, shown):
    assert as_markdown(text) == shown
