"""The one way to make a whole number of a text: what a person means by it, or a sentence."""

from __future__ import annotations

import re

from flopbench.text import shortened

MOST_DIGITS = 40
"""More digits than any size has; Python itself takes long for thousands."""

MOST = 10**18
"""The largest size: work over several of them must still have a floating-point number."""

_MULTIPLES = {"k": 2**10, "K": 2**10, "Ki": 2**10, "M": 2**20, "Mi": 2**20}
"""What people who count tokens mean: 8k is 8192."""

PLAIN = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:_[0-9]{3})+|0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+)"
)
"""Whole numbers that mean the same to everybody: no leading zeros, no base of 60."""

_COUNT = re.compile(rf"({PLAIN.pattern})({'|'.join(_MULTIPLES)})")
_OCTAL = re.compile(r"([-+]?)0+([0-9]+)")
_SHOWN = 60


def quoted(value: object) -> str:
    """Return a value as Python writes it, cut short if it is long."""
    return shortened(repr(value), _SHOWN)


def integer(text: str) -> int:
    """Return the whole number that a text means: ``12``, ``1_000``, ``0x10``, or ``8k`` = ``8Ki``.

    The prefixes k and Ki stand for 1024, M and Mi for 1024 * 1024.

    Raises:
        ValueError: it means none, or means different numbers to different people; the message
            says so after "must be".
    """
    word = text.strip()
    match = _COUNT.fullmatch(word)
    number, factor = (match[1], _MULTIPLES[match[2]]) if match else (word, 1)
    if not PLAIN.fullmatch(number):
        raise ValueError(f"an integer, got {quoted(text)}{_hint(word)}")
    if len(number) > MOST_DIGITS:
        raise ValueError(f"an integer of at most {MOST_DIGITS} digits, got one of {len(number):,}")
    return factor * int(number, 0)


def _hint(word: str) -> str:
    octal = _OCTAL.fullmatch(word)
    if octal is None:
        return ""
    sign, digits = octal.groups()
    if len(digits) > MOST_DIGITS or set(digits) & {"8", "9"}:
        return ": write it without the leading 0"
    return f": write {sign}{digits}, or {sign}{int(digits, 8)} if that was octal"
