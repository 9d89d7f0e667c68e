"""Docstrings in Google style as Markdown, for scripts/make_reference.py."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

_SECTION = re.compile(r"^(Attributes|Args|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^(\S[^:]*): (.*)$")

FIELDS = "Attributes"


def docstring(thing: Any) -> str:
    """Return the docstring of a class or function, or nothing."""
    return inspect.getdoc(thing) or ""


def markdown(text: str, without: Iterable[str] = ()) -> Iterator[str]:
    """Yield a docstring as Markdown: its text, then its sections as lists.

    Args:
        text: the docstring, its margin removed.
        without: names of the sections to leave out.
    """
    left_out = frozenset(without)
    for title, lines in _sections(text.replace("``", "`")):
        if title is None:
            yield from _with_code(lines)
        elif title not in left_out:
            yield f"\n{title}:\n"
            yield from _list(lines)


def _with_code(lines: Iterable[str]) -> Iterator[str]:
    """Yield paragraphs unchanged, and what is indented after ``::`` as Python code."""
    for is_code, block in groupby(_marked(lines), key=lambda pair: pair[0]):
        text = [line for _, line in block]
        if is_code:
            code = textwrap.dedent("\n".join(text)).strip("\n")
            yield f"\n```python\n{code}\n```\n"
        else:
            yield from text


def _marked(lines: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """Yield each line with whether it is code."""
    is_code = False
    for line in lines:
        if line and not line.startswith("    "):
            is_code = False
        yield is_code, re.sub(r"::$", ":", line)
        if line.endswith("::"):
            is_code = True


def meanings(text: str) -> dict[str, str]:
    """Return the text of the section ``Attributes`` for each name."""
    found: dict[str, str] = {}
    for title, lines in _sections(text.replace("``", "`")):
        if title == FIELDS:
            for names, meaning in _entries(lines):
                found |= dict.fromkeys(names, meaning)
    return found


def _sections(text: str) -> Iterator[tuple[str | None, list[str]]]:
    title: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        section = _SECTION.match(line)
        if section:
            yield title, lines
            title, lines = section[1], []
        else:
            lines.append(line)
    yield title, lines


def _entries(lines: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Yield the names and the text of each entry of a section."""
    names: list[str] = []
    said: list[str] = []
    for line in filter(str.strip, lines):
        entry = _ENTRY.match(line[4:])
        if entry:
            if names:
                yield names, " ".join(said)
            names, said = entry[1].split(", "), [entry[2]]
        else:
            said.append(line.strip())
    if names:
        yield names, " ".join(said)


def _list(lines: Iterable[str]) -> Iterator[str]:
    for names, meaning in _entries(lines):
        yield f"- {', '.join(f'`{name}`' for name in names)}: {meaning}"
