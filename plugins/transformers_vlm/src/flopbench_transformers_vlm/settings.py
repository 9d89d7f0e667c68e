"""The settings of an image processor, by name, with an error for every one that is wrong."""

from __future__ import annotations

import math
from typing import Any

import attrs

from flopbench import UsageError
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_vlm.processors import part_of

MOST_PARTS = 10_000
"""Parts that a page may be cut into: to choose among more takes transformers hours, too."""


class Settings(Fields):
    """The settings of an image processor. A wrong one is the user's mistake, with one sentence."""

    def refused(
        self, name: str, right: str | None = None, *, value: Any = attrs.NOTHING
    ) -> Any:  # an exception of another kind
        found = self.get(name) if value is attrs.NOTHING else value
        only = right or "true or false"
        return UsageError(f"model.processor: {name} is {found!r}, but it takes only {only}")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a setting that is true or false, or 1 or 0."""
        value = self.get(name, default)
        if type(value) is int and value in {0, 1}:
            return bool(value)
        return super().flag(name, default=default)

    def number(self, name: str) -> float:
        """Return a setting that is a number."""
        value = self.get(name)
        if not _is_number(value):
            raise self.refused(name, "numbers")
        return float(value)

    def parts(self, name: str, most: int = MOST_PARTS) -> int:
        """Return a setting with the most parts that a page is cut into; below 2 it is not cut."""
        return self.size(name, least=-most, most=most)

    def pixels(self) -> tuple[float, float]:
        """Return the least and the most pixels that a page is resized to."""
        least, most = parts = [
            part_of(self.get("size"), n) for n in ("shortest_edge", "longest_edge")
        ]
        if not all(map(_is_number, parts)) or not least or most <= 0:
            right = "a shortest_edge and a longest_edge, numbers of pixels other than 0"
            raise self.refused("size", right)
        return least, most

    def pair(self, name: str, first: str, second: str) -> tuple[int, int]:
        """Return two parts of a setting that are whole numbers of at least 1."""
        one, other = (part_of(self.get(name), part) for part in (first, second))
        if not (type(one) is int and type(other) is int) or min(one, other) < 1:
            right = f"a {first} and a {second}, whole numbers of at least 1"
            raise self.refused(name, right)
        return one, other

    def longest(self, name: str) -> int | None:
        """Return the ``longest_edge`` of a setting; None if it has none."""
        found = part_of(self.get(name), "longest_edge")
        if found is not None and type(found) is not int:
            raise self.refused(name, "a longest_edge that is a whole number")
        return found or None


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)
