"""The errors of flopbench, each message one sentence that a user can act on.

A message says what was given, what would be right and where it came from. The
command line prints it and exits with the class's ``exit_code``; no traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from flopbench.moved import former_names

if not TYPE_CHECKING:
    __getattr__ = former_names(__name__)


class FlopbenchError(Exception):
    """Base of every error that flopbench raises on purpose."""

    exit_code = 2


class UsageError(FlopbenchError):
    """The command, a key, a value or a file that the user gave is wrong."""


class PluginError(FlopbenchError):
    """A plugin cannot be loaded, or breaks the contract of its hook."""


class DimError(FlopbenchError):
    """A dimension is not an exact non-negative integer, or overflows int64 in an array."""


class CountError(FlopbenchError):
    """A vendor call could not be built or counted: a result (exit 1), never a 0."""

    exit_code = 1


def nearest_names(given: str, known: Iterable[str], most: int, cutoff: float = 0.6) -> list[str]:
    """Return the names that are nearest to one: first those that differ from it in case alone.

    Args:
        cutoff: the least similarity, by difflib, of all others.
    """
    names = sorted(known)
    same = [name for name in names if name.casefold() == given.casefold()]
    close = get_close_matches(given, names, most, cutoff)
    return list(dict.fromkeys([*same, *close]))[:most]


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """Describe an unknown ``what``, with the nearest name, those that contain it, or all names."""
    names = sorted(known)
    nearest = nearest_names(given, names, 1)
    if nearest:
        return f"unknown {what} {given!r}: did you mean {nearest[0]!r}?"
    if not names:
        return f"unknown {what} {given!r}: none is registered"
    if given and (longer := [name for name in names if given in name]):
        return f"unknown {what} {given!r}: did you mean {_quoted(longer)}?"
    # A name that ends in * stands for all names with that prefix.
    stems = tuple(name[:-1] for name in names if name.endswith("*"))
    listed = [name for name in names if name.endswith("*") or not name.startswith(stems)]
    return f"unknown {what} {given!r}: expected one of {', '.join(listed)}"


def _quoted(names: list[str]) -> str:
    """Join quoted names as in prose: ``'a', 'b' or 'c'``."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} or {last}" if most else last


def describe(error: BaseException) -> str:
    """Describe an exception in one line: its type and the first line of its message, if any."""
    text = " ".join(str(error).strip().splitlines()[:1])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
