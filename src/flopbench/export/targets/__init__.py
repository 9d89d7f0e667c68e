"""What laws are exported to: a module for each target, loaded where it is asked for.

A module of a target has one function, ``files(laws)``: the content of each file by its name, of
one or more `flopbench.export.laws.ExportedLaws` whose identifiers differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import attrs

from flopbench.errors import UsageError, unknown
from flopbench.export.identifiers import unique

if TYPE_CHECKING:
    from flopbench.export.laws import ExportedLaws

Files = Mapping[str, str | bytes]

TARGETS: Mapping[str, str] = {
    "json": "flopbench.export.targets.json_data",
}
"""The module of each target, by the name that ``--to`` takes."""


def files(target: str, laws: Sequence[ExportedLaws]) -> Files:
    """Return the files of a target.

    Raises:
        UsageError: there is no such target.
    """
    if target not in TARGETS:
        raise UsageError(unknown("target of an export", target, TARGETS))
    module = import_module(TARGETS[target])
    make = cast("Callable[[Sequence[ExportedLaws]], Files]", module.files)
    return make(_distinct(laws))


def _distinct(laws: Sequence[ExportedLaws]) -> list[ExportedLaws]:
    """Return laws whose identifiers differ: those of one model twice are numbered."""
    taken: list[str] = []
    for each in laws:
        taken += unique([each.identifier], taken).values()
    return [attrs.evolve(each, identifier=name) for each, name in zip(laws, taken, strict=True)]
