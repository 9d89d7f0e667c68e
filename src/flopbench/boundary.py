"""The boundary to plugins: check what their code raises or returns, report it in one sentence."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import getattr_static
from pathlib import Path
from typing import Any, get_args

from flopbench.errors import CountError, PluginError, UsageError, describe
from flopbench.text import is_json

_NO_PLUGINS = frozenset(
    {"", "attr", "attrs", "cattrs", "flopbench", "numpy", "pluggy", "sympy", "torch"}
    | {"transformers", *sys.stdlib_module_names}
)
"""Packages between flopbench and a plugin, or that a plugin calls."""


def quiet() -> None:
    """Show no warnings of libraries, unless Python was asked to (``-W``, ``PYTHONWARNINGS``)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def told(error: BaseException) -> str:
    """Describe an exception in one line, with the place in a plugin's own code where it arose."""
    return f"{describe(error)}{place(error)}"


def place(error: BaseException) -> str:
    """Return where in a plugin's own code an exception arose, as `` (FILE, line N)``; or "".

    Packages called ``flopbench_…`` are plugins (files of ``-p`` get such a name, too), and so is
    the first package of the traceback that is not in `_NO_PLUGINS`. If there are several, as when
    a counter runs a vendor's module, the one reached last counts.
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
    """Return what a plugin's method returns, after checking its type.

    Raises:
        PluginError: the method raises, or returns a value of another type.
    """
    with calling(what):
        value = method(*arguments)
    require_type(value, wanted, what)
    return value


def require_type(value: Any, wanted: Any, what: str, must: str = "must return") -> None:
    """Require a plugin's value to be of a type, or of a union of types.

    Raises:
        PluginError: it is of another type.
    """
    if not isinstance(value, wanted):
        raise PluginError(f"{what} {must} {_type_names(wanted)}, got {value!r}")


def _type_names(wanted: Any) -> str:
    """Name a type, or a union of types, with articles: ``a str or None``."""
    return " or ".join(map(_type_name, get_args(wanted) or (wanted,)))


def _type_name(kind: type) -> str:
    if kind is type(None):
        return "None"
    return f"{'an' if kind.__name__[0] in 'AEIOUaeiou' else 'a'} {kind.__name__}"


def facts(what: str, method: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return the mapping that a plugin's method returns, for a report.

    Raises:
        PluginError: the method raises, does not return a mapping, or returns a value that JSON
            cannot hold.
    """
    found = dict(answer(what, Mapping, method, *arguments))
    for name, value in found.items():
        if not is_json(value):
            raise PluginError(f"{what} returned {value!r} for {name!r}, which JSON cannot hold")
    return found


def texts(what: str, method: Callable[..., Any], *arguments: Any) -> tuple[str, ...]:
    """Return the sentences that a plugin's method returns, for a report.

    Raises:
        PluginError: the method raises, or does not return a tuple or list of texts.
    """
    found = tuple(answer(what, tuple | list, method, *arguments))
    for text in found:
        require_type(text, str, what, "must return texts, each")
    return found


_MISSING = object()


def declared(who: str, plugin: Any, kind: type) -> dict[str, Any]:
    """Return a plugin's values of the attributes that an abstract class declares.

    Raises:
        PluginError: one is a property that raises.
    """
    return {
        name: answer(f"{who}: {name}", object, getattr, plugin, name)
        for name in kind.__annotations__
        if getattr_static(plugin, name, _MISSING) is not _MISSING or hasattr(plugin, name)
    }


def raised_in(error: BaseException, module: str) -> bool:
    """Return whether the code of a module raised an exception."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == module
