"""What can go wrong, each as one sentence a user can act on.

A message says what was given, what would be right and where it came from. The
command line prints it and exits with the class's ``exit_code``; no traceback.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args


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


_NO_PLUGINS = frozenset(
    {"", "attr", "attrs", "cattrs", "flopbench", "numpy", "pluggy", "sympy", "torch"}
    | {"transformers", *sys.stdlib_module_names}
)
"""Packages that stand between flopbench and a plugin, or that a plugin calls."""


def told(error: BaseException) -> str:
    """Name an exception in one line, and where in a plugin's own code it arose."""
    return f"{describe(error)}{place(error)}"


def place(error: BaseException) -> str:
    """Say where in a plugin's own code an exception arose, as `` (FILE, line N)``; or nothing.

    Plugins are packages called ``flopbench_…``, as files of ``-p`` are, too, and the first package
    on the way that is no library known to be in between. Of several, such as a counter that runs
    a vendor's module, it is the one that was reached last.
    """
    reached: list[str] = []
    found = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        is_plugin = not reached or package.startswith("flopbench_")
        if is_plugin and package not in (*_NO_PLUGINS, *reached):
            reached.append(package)
        if package in reached[-1:]:
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
        raise PluginError(f"{what} failed: {told(error)}") from error


def answer(what: str, wanted: Any, method: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a plugin's method returns, which must be of the type wanted.

    Raises:
        PluginError: it raises, or returns something else.
    """
    with calling(what):
        value = method(*arguments)
    require_type(value, wanted, what)
    return value


def require_type(value: Any, wanted: Any, what: str) -> None:
    """Refuse what a plugin returned in place of a value of a type, or of a union of types.

    Raises:
        PluginError: it is of another type.
    """
    if not isinstance(value, wanted):
        name = " or ".join(kind.__name__ for kind in get_args(wanted) or (wanted,))
        raise PluginError(f"{what} returned {value!r}, which is no {name}")
