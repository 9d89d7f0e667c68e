"""The docs show snippets as they are, and what they print."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPETS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/snippets/*.py"))
PAGES = sorted(ROOT.glob("docs/**/*.md"))

MARKER = re.compile(r"^<!-- (code|output): (docs/snippets/\S+) -->$", re.MULTILINE)
BLOCK = re.compile(
    r"^<!-- (?P<kind>code|output): (?P<snippet>docs/snippets/\S+) -->\n+"
    r"```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LANGUAGES = {"code": "python", "output": "text"}


@cache
def blocks(kind):
    """Return (page, snippet, text) of each block of a kind."""
    return [
        (page.relative_to(ROOT).as_posix(), block["snippet"], block["text"])
        for page in PAGES
        for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if block["kind"] == kind
    ]


@pytest.fixture(scope="session")
def printed(warm):
    """Return a function that runs a snippet, once, and returns what it prints."""

    @cache
    def run(snippet):
        done = warm([sys.executable, "-W", "ignore", ROOT / snippet], cwd=ROOT)
        assert done.returncode == 0, f"{snippet} failed:\n{done.stderr}"
        return done.stdout

    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_each_marker_is_followed_by_a_block_in_its_language(page):
    text = page.read_text(encoding="utf-8")
    found = [(block["kind"], block["snippet"], block["language"]) for block in BLOCK.finditer(text)]
    assert found == [(kind, snippet, LANGUAGES[kind]) for kind, snippet in MARKER.findall(text)]


def test_pages_show_the_output_of_the_snippets_there_are_and_of_no_others():
    assert {snippet for _, snippet, _ in blocks("output")} == set(SNIPPETS)


@pytest.mark.parametrize(
    ("page", "snippet", "text"),
    [pytest.param(*block, id=f"{block[0]}-{block[1]}") for block in blocks("code")],
)
def test_code_is_as_in_the_file(page, snippet, text):
    assert text == (ROOT / snippet).read_text(encoding="utf-8")


SLOW = ("analytic_modes.py", "deepseek_ocr_defaults.py", "guard.py")


@pytest.mark.parametrize(
    "snippet",
    [pytest.param(s, marks=[pytest.mark.slow] if s.endswith(SLOW) else []) for s in SNIPPETS],
)
def test_output_is_as_printed(snippet, printed):
    shown = {text for _, name, text in blocks("output") if name == snippet}
    assert shown == {printed(snippet)}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_pages_link_to_the_snippet(snippet):
    link = f"({Path(snippet).relative_to('docs').as_posix()})"
    assert any(link in page.read_text(encoding="utf-8") for page in PAGES)
