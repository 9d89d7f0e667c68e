"""Say in one sentence why a call failed, and in which module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flopbench.boundary import place, told
from flopbench.builtin.torch_places import Places
from flopbench.errors import CountError, FlopbenchError

_VALUES = frozenset(
    {"DataDependentOutputException", "DynamicOutputShapeException", "GuardOnDataDependentSymNode",
     "UnsupportedOperatorException"}
)  # fmt: skip
"""What torch raises where a program asks a tensor without values for one."""

_VALUES_OF_META = (
    *("on meta tensors", "meta tensor", "Cannot copy out of", "always be on CPU"),
    *("string passed to Sym", ".numpy() is not supported"),
)
"""What other errors say there."""


@contextmanager
def failing(places: Places, name: str, *, really: bool = False) -> Iterator[None]:
    """Turn what a call raises into a `CountError` that names the module.

    Args:
        name: of what is called.
        really: whether it really runs, so that values cannot be what is missing.
    """
    try:
        yield
    except FlopbenchError:
        raise
    except (Exception, SystemExit) as error:
        raise CountError(_sentence(error, _where(places, name, error), really=really)) from error


def _where(places: Places, name: str, error: BaseException) -> str:
    path = places.of_failure(error)
    module = next((m for m, known in places.names.items() if known == path), None)
    kind = type(module).__name__
    return f"{path!r} ({kind}) of {name}" if path else name


def _sentence(error: BaseException, where: str, *, really: bool) -> str:
    kind = type(error).__name__
    if not really and (kind in _VALUES or any(text in str(error) for text in _VALUES_OF_META)):
        return (
            f"{where} needs the values of tensors, which a count does not compute "
            f"({_op(error)}){place(error)}: run=True runs the call really and counts that"
        )
    return f"{where} failed: {told(error)}"


def _op(error: Any) -> str:
    """Return what asked for a value: an op, a branch or a method."""
    func = getattr(error, "func", None)
    if func is not None:
        return str(func).removesuffix(".default")
    if getattr(error, "cond", None) is not None:
        return f"it branches on {error.cond}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0].partition(" (")[0]
