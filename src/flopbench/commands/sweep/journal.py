"""The journal of a sweep, which outlives a killed one.

Its first line identifies the sweep. Each further line is a finished count, on disk before the next
count begins. Each line ends with a digest of itself and of all lines before it, so that nothing
that was changed, repeated or moved since is taken for a count: what does not fit, and all after it,
is counted again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flopbench.commands.sweep.units import UnitCount
from flopbench.digests import canonical
from flopbench.errors import PluginError, UsageError
from flopbench.inputs import read_bytes
from flopbench.inputs.files import open_own
from flopbench.text import plural
from flopbench.vendor.method import Method

JOURNAL = ".sweep.journal"

_MOST_BYTES = 2**30
_CHAIN = "chain"
"""The key of a line's digest."""

LOG = logging.getLogger("flopbench")

Fingerprint = Mapping[str, str]
"""Digests of the settings that a sweep's counts depend on, by name."""


def fingerprint(settings: Mapping[str, Any]) -> Fingerprint:
    """Return digests of the settings that a sweep's counts depend on.

    Raises:
        PluginError: a setting holds something that has no canonical text.
    """
    found = {}
    for name, value in settings.items():
        try:
            text = canonical(value)
        except TypeError as error:
            raise PluginError(
                f"a sweep cannot make a digest of its {name}, which holds {error}"
            ) from error
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return found


class Journal:
    """What has been counted so far, by name."""

    def __init__(self, directory: Path, sweep: Fingerprint) -> None:
        """Read the journal in ``directory``, or start one.

        Raises:
            UsageError: it is another sweep's, or cannot be read or written.
        """
        self._path = directory / JOURNAL
        self._directory = directory
        self._digest = ""
        lines = self._read(sweep)
        # A failed count is tried again, so that a later line replaces an earlier one.
        self.entries: dict[str, Any] = {entry["unit"]: entry for entry in lines}
        try:
            self._stream = open_own(self._path)
            self._stream.truncate(self._length)
            self._stream.seek(self._length)
            if not self._length:
                self._write({"sweep": sweep})
        except OSError as error:
            raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error

    def _read(self, sweep: Fingerprint) -> list[Mapping[str, Any]]:
        """Return the counts that a sweep wrote, and note how long and what they are."""
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
            self._require_same(sweep, entries[0]["sweep"])
        if after := len(lines) - len(entries):
            again = (
                f"it and the {plural(after - 1, 'count')} after it are" if after > 1 else "it is"
            )
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
            is_known = _is_count(entry) if self._length else _is_head(entry)
            if not is_known or digest != _chained(self._digest, entry):
                return
            self._digest = digest
            self._length += len(line) + 1
            yield entry

    def _require_same(self, sweep: Fingerprint, known: Fingerprint) -> None:
        other = [name for name in {**sweep, **known} if sweep.get(name) != known.get(name)]
        if other:
            raise UsageError(
                f"--out {self._directory} holds an unfinished sweep with other settings "
                f"({', '.join(other)}): finish it with them, choose another folder, or delete "
                f"{self._path}"
            )

    def add(self, unit: str, counted: UnitCount) -> None:
        """Write a finished count to the disk: FLOPs by component, or why it failed."""
        entry = {"flops": counted.by_component, "method": counted.method, "error": counted.error}
        self._write({"unit": unit, **entry, "own_ops": counted.own_ops})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._digest = _chained(self._digest, entry)
        self._stream.write(json.dumps({**entry, _CHAIN: self._digest}).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, finished: bool) -> None:
        """Close it; delete it if the sweep is finished."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)


def _is_head(entry: Mapping[str, Any]) -> bool:
    """Return whether a line identifies a sweep, as `Journal` writes it."""
    sweep = entry.get("sweep")
    return isinstance(sweep, dict) and all(isinstance(value, str) for value in sweep.values())


def _is_count(entry: Mapping[str, Any]) -> bool:
    """Return whether a line has the form of a count, as `Journal` writes it."""
    names = ("unit", "flops", "method", "error", "own_ops")
    if entry.keys() != {*names}:
        return False
    unit, flops, method, error, own = (entry[name] for name in names)
    if not (isinstance(unit, str) and isinstance(own, list) and all(type(o) is str for o in own)):
        return False
    if flops is None:
        return isinstance(error, str) and method is None
    counted = isinstance(flops, dict) and all(type(n) is int and n >= 0 for n in flops.values())
    return counted and error is None and isinstance(method, str) and method in {*Method}


def _chained(before: str, entry: Mapping[str, Any]) -> str:
    """Return the digest of a line, after that of the line before."""
    return hashlib.sha256((before + json.dumps(entry, sort_keys=True)).encode()).hexdigest()
