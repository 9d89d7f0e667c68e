"""How a vendor number was obtained: one vocabulary for runs, sweeps, laws and proofs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Method(StrEnum):
    """How a vendor number was obtained."""

    CONCRETE = "concrete"
    """The very call was run and counted."""

    SYMBOLIC = "symbolic"
    """A law gives it: a closed form from a trace with symbols for sizes."""

    INTERPOLATED = "interpolated"
    """A law gives it that was interpolated in some size: exact at the sizes tried, not proved."""

    MIXED = "mixed"
    """Some parts in one way, some in another."""

    @classmethod
    def of_all(cls, methods: Iterable[Method]) -> Method:
        """Return the method that all parts share, or `MIXED`; `CONCRETE` for no part."""
        found = set(methods)
        return found.pop() if len(found) == 1 else cls.MIXED if found else cls.CONCRETE
