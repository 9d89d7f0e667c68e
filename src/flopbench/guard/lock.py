"""The lock file: read, checked, and written as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from flopbench.errors import UsageError
from flopbench.guard.entry import Entry, by_name, mapping
from flopbench.inputs.files import read_json
from flopbench.values.files import write_files

SCHEMA_VERSION = "1.0"

Checks = Mapping[str, Mapping[str, Entry]]
"""Entries by test and name of the check."""


@frozen
class Lock:
    """A lock file.

    Attributes:
        checks: its entries, by node id of the test and by name or number of the check.
    """

    path: Path
    checks: Checks

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a lock file; one that is not there has no entries.

        Raises:
            UsageError: it cannot be read, is damaged, or is of another version.
        """
        if not path.exists():
            return cls(path, {})
        document = read_json(path, path.name)
        try:
            _check_version(path.name, mapping(document))
            return cls(path, _checks(document.get("checks")))
        except ValueError as error:
            raise UsageError(
                f"{path.name} is damaged: {error}; restore it, or delete it and run "
                "pytest --flops-update"
            ) from error

    def text(self) -> str:
        """Return the content of the file: sorted, one number per line."""
        checks = {
            test: {name: entry.to_dict() for name, entry in by_name(entries).items()}
            for test, entries in by_name(self.checks).items()
        }
        document = {"schema_version": SCHEMA_VERSION, "checks": checks}
        # Escapes keep it printable, whatever a name holds.
        return json.dumps(document, indent=2) + "\n"

    def write(self) -> None:
        """Write the file: the whole of it, or nothing.

        Raises:
            UsageError: it cannot be written.
        """
        files = {self.path.name: self.text().encode()}
        write_files(self.path.parent, files, to=str(self.path))


def _checks(values: Any) -> Checks:
    return {
        test: {name: _entry(test, value) for name, value in mapping(entries).items()}
        for test, entries in mapping(values).items()
    }


def _entry(test: str, value: Any) -> Entry:
    try:
        return Entry.from_dict(value)
    except ValueError as error:
        raise ValueError(f"in the entry of {test}, {error}") from error


def _check_version(name: str, document: Mapping[str, Any]) -> None:
    version = document.get("schema_version")
    if not isinstance(version, str):
        raise ValueError("it has no schema_version")  # noqa: TRY004 - all of these are one error
    major = SCHEMA_VERSION.partition(".")[0]
    if version.partition(".")[0] != major:
        raise UsageError(
            f"{name} has schema_version {version}, and this flopbench reads {major}.x: install "
            "the flopbench that wrote it, or delete it and run pytest --flops-update"
        )
