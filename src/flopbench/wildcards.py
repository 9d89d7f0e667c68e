"""Wildcard names: a strategy called ``hf/*`` answers for ``hf/llama``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

ANY = "*"


def under_name(cls: type[T], name: str) -> type[T]:
    """Return a subclass that differs only in its ``name``."""
    return type(cls.__name__, (cls,), {"name": name, "__module__": cls.__module__})


def pattern_for(name: str, names: Iterable[str]) -> str | None:
    """Return the wildcard in ``names`` that matches ``name``: the longest if there are several."""
    found = [n for n in names if n.endswith(ANY) and name.startswith(n.removesuffix(ANY))]
    return max(found, key=len, default=None)
