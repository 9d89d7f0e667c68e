"""The journal of a command such as ``sweep``, which outlives a killed one.

Its first line identifies the command and its settings. Each further line is a finished result, on
disk before the next one begins: its name and its data, in a form that the command gives and checks.
Each line ends with a digest of itself and of all lines before it, so that nothing that was changed,
repeated or moved since is taken for a result: what does not fit, and all after it, is made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flopbench.digests import canonical
from flopbench.errors import PluginError, UsageError
from flopbench.inputs import read_bytes
from flopbench.inputs.files import open_own
from flopbench.text import plural

_MOST_BYTES = 2**30
_CHAIN = "chain"
"""The key of a line's digest."""

LOG = logging.getLogger("flopbench")

Fingerprint = Mapping[str, str]
"""Digests of the settings that a command's results depend on, by name."""


def journal_path(directory: Path, command: str) -> Path:
    """Return where a command's journal is: ``.sweep.journal`` for a sweep."""
    return directory / f".{command}.journal"


def fingerprint(command: str, settings: Mapping[str, Any]) -> Fingerprint:
    """Return digests of the settings that a command's results depend on.

    Raises:
        PluginError: a setting holds something that has no canonical text.
    """
    found = {}
    for name, value in settings.items():
        try:
            text = canonical(value)
        except TypeError as error:
            raise PluginError(
                f"a {command} cannot make a digest of its {name}, which holds {error}"
            ) from error
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return found


class Journal:
    """What has been done so far: data that JSON can hold, by name."""

    def __init__(
        self,
        directory: Path,
        command: str,
        settings: Fingerprint,
        is_data: Callable[[Any], bool] = lambda _data: True,
    ) -> None:
        """Read the journal in ``directory``, or start one.

        Args:
            command: whose journal it is, such as ``sweep``.
            settings: of the command; those of the journal must be equal.
            is_data: whether a value has the form of the command's data.

        Raises:
            UsageError: it is of other settings, or cannot be read or written.
        """
        self._path = journal_path(directory, command)
        self._directory, self._command, self._is_data = directory, command, is_data
        self._digest = ""
        # What failed is tried again, so that a later line replaces an earlier one.
        self.entries: dict[str, Any] = {line["name"]: line["data"] for line in self._read(settings)}
        try:
            self._stream = open_own(self._path)
            self._stream.truncate(self._length)
            self._stream.seek(self._length)
            if not self._length:
                self._write({"command": command, "settings": settings})
        except OSError as error:
            raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error

    def _read(self, settings: Fingerprint) -> list[Mapping[str, Any]]:
        """Return the lines that hold data, and note how long they are and their digest."""
        self._length = 0
        if not (self._path.exists() or self._path.is_symlink()):
            return []
        data = read_bytes(self._path, f"the journal {self._path}", most=_MOST_BYTES)
        lines = data.split(b"\n")[:-1]  # a kill may cut the last one short
        entries = list(self._whole(lines))
        if not entries and lines:
            raise UsageError(
                f"{self._path} was written by another version of flopbench, or its first line was "
                "changed: delete it to start again"
            )
        if entries:
            self._require_same(settings, entries[0]["settings"])
        if after := len(lines) - len(entries):
            again = f"it and the {plural(after - 1, 'line')} after it are" if after > 1 else "it is"
            changed = f"line {len(entries) + 1} was changed since it was written"
            LOG.warning("%s: %s; %s made again", self._path, changed, again)
        return entries[1:]

    def _whole(self, lines: list[bytes]) -> Iterator[Mapping[str, Any]]:
        """Yield what lines hold, up to the first that is not as it was written."""
        for line in lines:
            try:
                entry = json.loads(line)
                digest = entry.pop(_CHAIN)
            except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
                return
            is_known = self._is_line(entry) if self._length else self._is_head(entry)
            if not is_known or digest != _chained(self._digest, entry):
                return
            self._digest = digest
            self._length += len(line) + 1
            yield entry

    def _is_head(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a line identifies what the command does."""
        if entry.keys() != {"command", "settings"} or entry["command"] != self._command:
            return False
        settings = entry["settings"]
        return isinstance(settings, dict) and all(isinstance(v, str) for v in settings.values())

    def _is_line(self, entry: Mapping[str, Any]) -> bool:
        """Return whether a line has the form of a result."""
        is_line = entry.keys() == {"name", "data"} and isinstance(entry["name"], str)
        return is_line and self._is_data(entry["data"])

    def _require_same(self, settings: Fingerprint, known: Fingerprint) -> None:
        both = {**settings, **known}
        if other := [name for name in both if settings.get(name) != known.get(name)]:
            raise UsageError(
                f"--out {self._directory} holds an unfinished {self._command} with other settings "
                f"({', '.join(other)}): finish it with them, choose another folder, or delete "
                f"{self._path}"
            )

    def add(self, name: str, data: Any) -> None:
        """Write a finished result to the disk."""
        self.add_all({name: data})

    def add_all(self, results: Mapping[str, Any]) -> None:
        """Write finished results to the disk, at once."""
        self._write(*({"name": name, "data": data} for name, data in results.items()))

    def _write(self, *entries: Mapping[str, Any]) -> None:
        for entry in entries:
            self._digest = _chained(self._digest, entry)
            self._stream.write(json.dumps({**entry, _CHAIN: self._digest}).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, finished: bool) -> None:
        """Close it; delete it if all is finished."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)


def _chained(before: str, entry: Mapping[str, Any]) -> str:
    """Return the digest of a line, after that of the line before."""
    return hashlib.sha256((before + json.dumps(entry, sort_keys=True)).encode()).hexdigest()
