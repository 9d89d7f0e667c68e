"""Names become identifiers that every language takes."""

import keyword

from hypothesis import given
from hypothesis import strategies as st

from flopbench.exports.identifiers import RESERVED, identifier, unique, unique_by


@given(st.text())
def test_any_text_becomes_an_identifier(text):
    made = identifier(text)
    assert made.isidentifier()
    assert made.isascii()
    assert not keyword.iskeyword(made)
    assert made.casefold() not in RESERVED
    assert not made.startswith("_")
    assert "__" not in made


@given(
    st.from_regex(r"[A-Za-z][A-Za-z0-9]*", fullmatch=True).filter(
        lambda n: n.lower() not in RESERVED
    )
)
def test_a_plain_name_stays(name):
    assert identifier(name) == name


def test_paths_and_words_of_languages():
    assert identifier("decoder/attention/core") == "decoder_attention_core"
    assert identifier("lambda") == "lambda_"
    assert identifier("Max") == "Max_"
    assert identifier("3d") == "x3d"
    assert identifier("naïve λ") == "naive"


@given(st.lists(st.text(max_size=4), unique=True), st.lists(st.text(max_size=3)))
def test_names_that_share_an_identifier_are_told_apart(names, taken):
    taken = [*map(identifier, taken)]
    made = unique(names, taken)
    assert list(made) == names
    assert len({*made.values(), *taken}) == len(names) + len({*taken})


def test_keys_of_one_name_are_told_apart():
    names = {("flash", None): "flops prefill flash", ("eager", "flash"): "flops prefill flash"}
    assert [*unique_by(names).values()] == ["flops_prefill_flash", "flops_prefill_flash_2"]
