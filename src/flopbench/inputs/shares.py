"""A share of something, such as a growth that is allowed: ``1%``, or 0.01."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs.numbers import MOST, MOST_DIGITS, quoted

_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(%?)")


def share(given: Any, what: str) -> Fraction:
    """Return a share exactly, of a text or a number: ``"1%"``, ``"0.01"`` and 0.01 are 1/100.

    Args:
        what: what gives it, for the message.

    Raises:
        UsageError: it is no share, or may be meant as a percentage.
    """
    match = None
    if isinstance(given, str) and len(given) <= MOST_DIGITS:
        match = _SHARE.fullmatch(given.strip())
    found = Fraction(match[1]) if match else _number(given)
    if found is None:
        raise UsageError(f"{what} must be a share such as 1% or 0.01, got {quoted(given)}")
    if match and match[2]:
        return found / 100
    if found >= 1:
        raise UsageError(f"{what} {given} may mean two things: write '{given}%', or 0.01 for 1%")
    return found


def _number(given: Any) -> Fraction | None:
    """Return a number that may be a share; of a float the decimal that Python shows."""
    if isinstance(given, bool) or not isinstance(given, int | float | Fraction):
        return None
    if not 0 <= given < MOST:
        return None
    return Fraction(repr(given)) if isinstance(given, float) else Fraction(given)
