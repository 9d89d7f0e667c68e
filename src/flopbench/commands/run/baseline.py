"""What an earlier report.json says of a run's FLOPs, for a guard against growth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from attrs import frozen

from flopbench.commands.run.measured import Measured, entry_of, flat, from_json, plain
from flopbench.errors import UsageError
from flopbench.inputs.files import read_json
from flopbench.report import SCHEMA_VERSION
from flopbench.text import first_of

_FIXED = ("workload", "conventions")
"""Sections whose settings must be the same: other ones make other numbers of the same program."""


@frozen
class Baseline:
    """An earlier report.json.

    Attributes:
        name: the option that names it, for messages.
    """

    name: str
    model: str
    config: Mapping[str, Any]
    measured: Measured

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read the file that ``--baseline`` names.

        Raises:
            UsageError: it cannot be read, or is no report.json of this major version.
        """
        name = f"--baseline {path}"
        document = read_json(path, name)
        _check_version(name, document)
        try:
            config = entry_of(entry_of(document, "provenance", dict), "config", dict)
            return cls(name, entry_of(document, "model", str), config, from_json(document))
        except ValueError as error:
            raise UsageError(
                f"{name} is no report.json as flopbench run writes it: {error}"
            ) from error

    def check(self, model: str, config: Mapping[str, Any]) -> None:
        """Refuse a run whose numbers cannot be held against these.

        Raises:
            UsageError: it is of another model or workload, or under other conventions.
        """
        if model != self.model:
            raise UsageError(
                f"{self.name} is of model {self.model}, and this run is of {model}: "
                "give a report.json of the same model"
            )
        before = dict(flat({name: self.config.get(name) for name in _FIXED}))
        settings = flat({name: plain(config).get(name) for name in _FIXED})
        now = {name: value for name, value in settings if _known(name, before)}
        if other := list(changes(before, now)):
            raise UsageError(
                f"{self.name} is of other settings: {first_of(other)}; "
                "use the same, or make a new baseline"
            )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what has another value than before, as a phrase; files of the same name are equal."""
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if old != new and not _same_file(old, new):
            yield f"{name} was {_shown(old)} and is {_shown(new)}"


def _known(name: str, before: Mapping[str, Any]) -> bool:
    """Return whether a baseline has a setting, or one that holds it; an older flopbench may not."""
    return name in before or any(name.startswith(f"{outer}.") for outer in before)


def _shown(value: Any) -> str:
    return "not set" if value is None else value if isinstance(value, str) else json.dumps(value)


def _same_file(old: Any, new: Any) -> bool:
    """Return whether two texts may be the path of one file, seen from two folders."""
    both = isinstance(old, str) and isinstance(new, str)
    return both and PurePath(old).name == PurePath(new).name


def _check_version(name: str, document: Any) -> None:
    version = document.get("schema_version") if isinstance(document, dict) else None
    major = SCHEMA_VERSION.partition(".")[0]
    if isinstance(version, str) and version.partition(".")[0] != major:
        raise UsageError(
            f"{name} has schema_version {version}: this flopbench reads {major}.x, "
            "so make a new baseline"
        )
