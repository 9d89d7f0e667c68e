"""The boundary to plugins: what their code raises or returns, checked and told in one sentence."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from flopbench.errors import CountError, PluginError, UsageError, describe
from flopbench.text import is_json

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


def facts(what: str, method: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return the mapping that a plugin's method returns, for a report to hold.

    Raises:
        PluginError: it raises, returns no mapping, or a value that JSON cannot hold.
    """
    found = dict(answer(what, Mapping, method, *arguments))
    for name, value in found.items():
        if not is_json(value):
            raise PluginError(
                f"{what} tells {name!r} as {value!r}, which is nothing that JSON can hold"
            )
    return found


def declared(plugin: Any, kind: type) -> dict[str, Any]:
    """Return the values of the attributes that an abstract class declares, as a plugin has them."""
    return {name: getattr(plugin, name) for name in kind.__annotations__ if hasattr(plugin, name)}


def raised_in(error: BaseException, module: str) -> bool:
    """Tell whether it was code of a module that raised an exception."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == module
