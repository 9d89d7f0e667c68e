"""A shortened output shows lines of the output, in order, with each gap marked."""

import pytest
from doc_output import is_shortened, updated

OUTPUT = "head\n\none\ntwo\n\nthree\nverdict\n"


@pytest.mark.parametrize(
    "shown",
    [
        "head\n…\nverdict\n",
        "head\n…\none\ntwo\n…\nverdict\n",
        "…\nthree\nverdict\n",
        "head\n\none\n…\n",
        "head\n  …\nverdict\n",
    ],
)
def test_lines_may_be_left_out_where_it_says_so(shown):
    assert is_shortened(shown, OUTPUT)


@pytest.mark.parametrize(
    "shown",
    [
        OUTPUT,  # whole, so nothing is shortened
        "head\none\n…\nverdict\n",  # a gap without a mark
        "head\n…\ntwo\none\n…\nverdict\n",  # another order
        "head\n…\none\nthree\n…\nverdict\n",
        "head\n…\nThree\n…\nverdict\n",
        "head\n…\nthree\n",  # ends early
        "one\n…\nverdict\n",  # begins late
        "head\n\none\ntwo\n…\ntwo\n\nthree\nverdict\n",  # a line twice
    ],
)
def test_what_is_shown_must_be_there(shown):
    assert not is_shortened(shown, OUTPUT)


def test_a_shortened_output_that_is_not_true_is_written_in_full(tmp_path):
    page = tmp_path / "page.md"
    code = "<!-- file: a.py -->\n```python\nprint('a\\nb\\nc')\n```\n\n<!-- run: python a.py -->\n"
    page.write_text(f"{code}```text\na\n…\nc\n```\n", encoding="utf-8")
    assert updated(page) == page.read_text(encoding="utf-8")
    page.write_text(f"{code}```text\na\n…\nd\n```\n", encoding="utf-8")
    assert updated(page) == f"{code}```text\na\nb\nc\n```\n"
