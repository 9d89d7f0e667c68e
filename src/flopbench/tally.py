"""Add up numbers that have the same key."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Any)


def sums(items: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Add up the values (ints or closed forms) of equal keys."""
    totals: dict[K, V] = {}
    for key, value in items:
        totals[key] = totals[key] + value if key in totals else value
    return totals
