"""A tree of numbers with names: what a notebook shows of a result."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class Node:
    """A part of a result.

    Attributes:
        value: what the part costs, in ``unit``; None if it has no number.
        children: its parts. Where both have numbers, a child's is a share of this one's.
        note: a sentence about it, such as its closed form or a verdict.
    """

    name: str
    value: int | None = None
    children: tuple[Node, ...] = ()
    note: str | None = None
    unit: str = "FLOP"


def tree_of(
    name: str, values: Mapping[tuple[str, ...], int], *, note: str | None = None, unit: str = "FLOP"
) -> Node:
    """Return the tree of the parts at these paths; each part costs what its paths add up to."""
    below: dict[str, dict[tuple[str, ...], int]] = {}
    for path, value in values.items():
        if path:
            below.setdefault(path[0], {})[path[1:]] = value
    parts = tuple(tree_of(part, inner, unit=unit) for part, inner in below.items())
    return Node(name, sum(values.values()), parts, note, unit)
