"""Texts of many points at once: a template of one point, filled from columns of texts.

Filling a template is several times as fast as writing each point by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from flopbench.analytic.columns import Column
from flopbench.dims import is_array
from flopbench.text import visible

Text = Callable[[Any], str]
"""The text of a value, in which nothing steers a terminal."""


class Columns:
    """Texts of columns; those of a column that occurs several times are made once.

    Args:
        text: of any value; whole numbers and finite floats are as Python writes them.
    """

    def __init__(self, text: Text) -> None:
        self.text = text
        self._known: dict[int, tuple[Column, list[str]]] = {}

    def texts(self, column: Column) -> list[str]:
        """Return the text of each value."""
        if id(column) not in self._known:
            self._known[id(column)] = column, self._made(column)
        return self._known[id(column)][1]

    def _made(self, column: Any) -> list[str]:
        values = column.tolist()
        if column.dtype.kind == "i":
            return [*map(str, values)]
        if column.dtype.kind == "f" and np.isfinite(np.asarray(column)).all():
            return [*map(repr, values)]
        text = self.text
        return [str(value) if type(value) is int else text(value) for value in values]


def literal(text: str) -> str:
    """Return a text as a part of a template."""
    return text.replace("%", "%%")


class Template:
    """A template under construction: text, and the columns that its gaps are filled from."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._pieces: list[str] = []
        self._gaps: list[list[str]] = []

    def add(self, text: str) -> None:
        """Add text that is the same at all points."""
        self._pieces.append(literal(visible(text)))

    def add_column(self, column: Column, newline: str = "\n") -> None:
        """Add the text of each value of a column, or of the value of all points.

        Args:
            newline: what ends of lines within become.
        """
        if not is_array(column):
            self._pieces.append(literal(self._columns.text(column).replace("\n", newline)))
            return
        texts = self._columns.texts(column)
        if newline != "\n" and column.dtype == object:
            texts = [text.replace("\n", newline) for text in texts]
        self.add_texts(texts)

    def add_texts(self, texts: list[str]) -> None:
        """Add a text for each point."""
        self._pieces.append("%s")
        self._gaps.append(texts)

    def filled(self, count: int) -> Iterable[str]:
        """Return the text of each of so many points."""
        template = "".join(self._pieces)
        if not self._gaps:
            return [template % ()] * count
        return map(template.__mod__, zip(*self._gaps, strict=True))


def in_order(indices: list[Any], texts: list[Iterable[str]]) -> Iterator[str]:
    """Yield the texts of the points of several groups, in the order of the sweep.

    Args:
        indices: of the points of each group.
    """
    if len(texts) == 1:
        yield from texts[0]
        return
    each = [text for group in texts for text in group]
    yield from (each[place] for place in np.argsort(np.concatenate(indices)).tolist())
