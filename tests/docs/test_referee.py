"""The tables in docs/referee.md are those of the code."""

import make_referee as script


def test_the_tables_are_current():
    page = script.PAGE.read_text(encoding="utf-8")
    assert script.updated(page) == page
    assert page.count("\n### ") >= 8
    assert "UNEXPLAINED +" not in page.partition(script.BEGIN)[2]
