"""What laws are exported to: a module for each target, loaded where it is asked for.

A module of a target has one function, ``files(laws)``: the content of each file by its name, of
one or more `flopbench.exports.laws.ExportedLaws` whose identifiers differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

import attrs

from flopbench.errors import UsageError, unknown
from flopbench.exports.identifiers import unique

if TYPE_CHECKING:
    from flopbench.exports.laws import ExportedLaws

Files = Mapping[str, str | bytes]

TARGETS: Mapping[str, str] = {
    "python": "flopbench.exports.targets.python",
    "javascript": "flopbench.exports.targets.javascript",
    "cpp": "flopbench.exports.targets.cpp",
    "json": "flopbench.exports.targets.json_data",
    "certificate": "flopbench.exports.targets.certificate",
    "html": "flopbench.exports.targets.html",
}
"""The module of each target, by the name that ``--to`` takes."""


CODE: Mapping[str, str] = {".py": "python", ".mjs": "javascript", ".hpp": "cpp"}
"""The target of a single file, by the ending of its name."""


def as_code(ending: str, laws: ExportedLaws) -> str:
    """Return laws as a file of code, without its golden vectors."""
    made = files(CODE[ending], [laws])
    return str(made[f"{laws.identifier}{ending}"])


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


def all_files(targets: Iterable[str], laws: Sequence[ExportedLaws]) -> dict[str, str | bytes]:
    """Return the files of several targets, to be written at once.

    Raises:
        UsageError: there is no such target.
    """
    return {name: text for each in targets for name, text in files(each, laws).items()}


def _distinct(laws: Sequence[ExportedLaws]) -> list[ExportedLaws]:
    """Return laws whose files differ: those of one model twice are numbered.

    A model called ``test_x`` is, too, beside one called ``x``, whose test has that name.
    """
    taken: list[str] = []
    for each in laws:
        tests = [f"test_{name}" for name in taken]
        tested = [name.removeprefix("test_") for name in taken]
        taken += unique([each.identifier], [*taken, *tests, *tested]).values()
    return [attrs.evolve(each, identifier=name) for each, name in zip(laws, taken, strict=True)]
