"""What can go wrong, each as one sentence a user can act on.

A message says what was given, what would be right and where it came from. The
command line prints it and exits with the class's ``exit_code``; no traceback.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class FlopbenchError(Exception):
    """Base of every error that flopbench raises on purpose."""

    exit_code = 2


class UsageError(FlopbenchError):
    """The command, a key, a value or a file that the user gave is wrong."""


class PluginError(FlopbenchError):
    """A plugin cannot be loaded, or breaks the contract of its hook."""


class DimError(FlopbenchError):
    """A dimension is not an exact non-negative integer, or leaves int64 in an array."""


class CountError(FlopbenchError):
    """A vendor call could not be built or counted: a result (exit 1), never a 0."""

    exit_code = 1


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """Say that ``given`` is no known ``what``, with the nearest name or the list of names."""
    names = sorted(known)
    nearest = get_close_matches(given, names, n=1)
    if nearest:
        return f"unknown {what} {given!r}: did you mean {nearest[0]!r}?"
    if not names:
        return f"unknown {what} {given!r}: none is registered"
    # A name that ends in * stands for the others that begin alike.
    stems = tuple(name[:-1] for name in names if name.endswith("*"))
    listed = [name for name in names if name.endswith("*") or not name.startswith(stems)]
    return f"unknown {what} {given!r}: known are {', '.join(listed)}"


def describe(error: BaseException) -> str:
    """Name an exception in one line: its type, and the first line of its message if it has one."""
    text = " ".join(str(error).strip().splitlines()[:1])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def place(error: BaseException) -> str:
    """Say where in a plugin's own code an exception arose, as `` (FILE, line N)``; or nothing.

    The plugin is the first package on the way from flopbench's own code that is none of Python's.
    """
    ours = {"flopbench", *sys.stdlib_module_names}
    plugin, found = None, ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in ours and plugin is None:
            plugin = package
        if package == plugin:
            found = f" ({_short(frame.f_code.co_filename)}, line {line})"
    return found


def _short(file: str) -> str:
    path = Path(file)
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn whatever a plugin's code raises into a `PluginError` that says what was called."""
    try:
        yield
    except (UsageError, CountError, PluginError):
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} failed: {describe(error)}{place(error)}") from error


def told_by(who: str, plugin: Any) -> dict[str, Any]:
    """Return what a plugin's ``provenance`` tells.

    Raises:
        PluginError: it raises, or tells no mapping.
    """
    with calling(f"{who}: provenance"):
        return dict(plugin.provenance())


def require_type(value: Any, wanted: type, what: str) -> None:
    """Refuse what a plugin returned in place of a value of a type.

    Raises:
        PluginError: it is of another type.
    """
    if not isinstance(value, wanted):
        raise PluginError(f"{what} returned {value!r}, which is no {wanted.__name__}")
