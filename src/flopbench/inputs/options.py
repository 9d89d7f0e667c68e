"""What an option gives, as text on a command line or as a value in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs.numbers import quoted

Names = str | Iterable[str] | None
"""Names, as a list or as a text with commas; None where they are not given."""


def names(given: Names) -> Sequence[str] | None:
    """Return the names that an option gives; None stays None."""
    if given is None:
        return None
    if isinstance(given, str):
        return [name.strip() for name in given.split(",") if name.strip()]
    return list(given)


def some(option: str, given: Names) -> Sequence[str]:
    """Return the names that an option gives, at least one.

    Raises:
        UsageError: no name is given.
    """
    found = names(given)
    if not found:
        raise UsageError(f"{option} must name at least one")
    return found


def path(option: str, given: str | os.PathLike[str]) -> Path:
    """Return what an option gives as a path.

    Raises:
        UsageError: it is empty, or no path.
    """
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"{option} must be a path, got {quoted(given)}")
    if not os.fspath(given):
        raise UsageError(f"{option} is empty: it needs a path")
    return Path(given)


def settings(
    *,
    image: str | os.PathLike[str] | None = None,
    attention: Names = None,
    stages: Names = None,
    counters: Names = None,
    analytic_only: bool = False,
    method: str | None = None,
    hardware: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the configuration keys that the given options set.

    Args:
        hardware: values of that section, by key; None where an option is not given.

    Raises:
        UsageError: the image is no path.
    """
    found: dict[str, Any] = {
        "workload.image": None if image is None else str(path("--image", image)),
        "run.attention": names(attention),
        "run.stages": names(stages),
        "run.counters": names(counters),
        "run.analytic_only": analytic_only or None,
        "run.method": method,
        **{f"hardware.{name}": value for name, value in (hardware or {}).items()},
    }
    return {key: value for key, value in found.items() if value is not None}
