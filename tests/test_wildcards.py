"""Which of several patterns a name belongs to."""

from flopbench.wildcards import pattern_for


def test_patterns():
    names = ("a", "a/*", "a/b/*", "*c")
    assert pattern_for("a/b/c", names) == "a/b/*"
    assert pattern_for("a/x", names) == "a/*"
    assert pattern_for("b", names) is None
    assert pattern_for("xc", names) is None
