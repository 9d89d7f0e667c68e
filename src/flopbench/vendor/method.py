"""How a vendor number was obtained: one vocabulary for runs, sweeps, laws and proofs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Method(StrEnum):
    """How a vendor number was obtained."""

    CONCRETE = "concrete"
    """The call itself was run and counted."""

    SYMBOLIC = "symbolic"
    """It follows from a law: a closed form from a trace with symbols for sizes."""

    INTERPOLATED = "interpolated"
    """It follows from a law interpolated in some size: exact at the sizes tried, not proved."""

    MIXED = "mixed"
    """Its parts were obtained in different ways."""

    @classmethod
    def of_all(cls, methods: Iterable[Method]) -> Method:
        """Return the method that all parts share, or `MIXED`; `CONCRETE` if there are no parts."""
        found = set(methods)
        return found.pop() if len(found) == 1 else cls.MIXED if found else cls.CONCRETE
