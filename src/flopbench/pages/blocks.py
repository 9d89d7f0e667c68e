"""What a page shows, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from flopbench.values.node import Node

Number = int | float
Cell = int | float | str | None
Tone = Literal["good", "bad", "neutral"]


@frozen
class Column:
    """A column of a table.

    Attributes:
        kind: what its cells are: a ``number`` has a decimal prefix, and its exact integer on
            demand; a ``plain`` number is shown as it is; a ``share`` of 1 is shown as per cent
            with a bar, and a ``percent`` without; a ``law`` is a closed form.
        unit: of the numbers.
    """

    name: str
    kind: Literal["text", "number", "plain", "share", "percent", "law"] = "text"
    unit: str = ""


@frozen
class Table:
    """A table whose rows a reader can sort; None is an empty cell."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str | None = None


@frozen
class Trees:
    """An icicle to click, with a choice of trees if there are several, by label.

    The note of a node is shown with it, such as its closed form.
    """

    title: str
    trees: Mapping[str, Node]
    note: str | None = None


@frozen
class Measure:
    """What a chart shows: numbers at each point, by series.

    Attributes:
        stacked: whether the series are parts of a whole, drawn on top of each other.
    """

    name: str
    unit: str
    series: Mapping[str, Sequence[Number | None]]
    stacked: bool = False


@frozen
class Chart:
    """Curves over numbers, or bars over names, with a choice of what is measured.

    Attributes:
        x: what the points differ in.
        points: a number or a name each.
        log_x, log_y: whether an axis is logarithmic at first.
        labels: what each point is called in full; by default its number or name.
    """

    title: str
    x: str
    points: Sequence[Number] | Sequence[str]
    measures: Sequence[Measure]
    log_x: bool = False
    log_y: bool = False
    labels: Sequence[str] = ()


@frozen
class Lines:
    """Sentences, or a text as a terminal shows it.

    Attributes:
        closed: whether a reader must open it.
    """

    title: str
    lines: Sequence[str]
    monospace: bool = False
    closed: bool = False


Block = Table | Trees | Chart | Lines


@frozen
class Section:
    """A part of a page with a title."""

    title: str
    blocks: Sequence[Block]


@frozen
class Verdict:
    """What was found, in a sentence."""

    text: str
    tone: Tone = "neutral"


@frozen
class Page:
    """A page.

    Attributes:
        about: what a reader must know first, a sentence or a line of settings each.
        data: what is downloaded as JSON.
        explorer: laws to evaluate in the browser, and what they are of: see
            `flopbench.exports.explorer`.
    """

    title: str
    sections: Sequence[Section]
    verdict: Verdict | None = None
    about: Sequence[str] = ()
    data: Mapping[str, Any] | None = None
    explorer: Mapping[str, Any] | None = None


def as_text(text: str) -> Lines:
    """Return a result's text as a block that a reader opens."""
    return Lines("The same as text", [text], monospace=True, closed=True)
