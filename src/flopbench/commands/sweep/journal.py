"""The folder of a sweep: one sweep at a time, and a journal that outlives a killed one.

The journal's first line identifies the sweep. Each further line is a finished count, on disk
before the next count begins. A line cut short by a kill is dropped.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from flopbench.digests import canonical
from flopbench.errors import PluginError, UsageError
from flopbench.vendor.method import Method

LOCK, JOURNAL = ".sweep.lock", ".sweep.journal"

METHODS = (Method.CONCRETE, Method.SYMBOLIC)
"""How a count that a journal holds was obtained."""

Fingerprint = Mapping[str, str]
"""Digests of the settings that a sweep's counts depend on, by name."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Lock the folder for one sweep; the system releases it however the process ends.

    A folder created for a sweep that wrote nothing is removed afterwards.

    Raises:
        UsageError: another sweep holds the lock, or nothing can be written there.
    """
    missing = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        stream = _held(directory / LOCK)
    except OSError as error:
        raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error
    if stream is None:
        raise UsageError(
            f"another sweep is writing to --out {directory}: wait for it, or choose another"
        )
    with stream:
        try:
            yield
        finally:
            # While it is locked: whoever opened it meanwhile sees that the path lost this file.
            (directory / LOCK).unlink(missing_ok=True)
            for path in missing:
                with contextlib.suppress(OSError):
                    path.rmdir()


def _held(path: Path) -> TextIO | None:
    """Open and lock a file; None if another process holds it."""
    while True:
        stream = path.open("w", encoding="utf-8")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        # A sweep that ended between the two steps removed the file.
        stream.close()


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
        try:
            self.entries = self._read(sweep)
            self._stream = self._path.open("a", encoding="utf-8")
            if self._stream.tell() == 0:
                self._write({"sweep": sweep})
        except OSError as error:
            raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error

    def _read(self, sweep: Fingerprint) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        lines = self._path.read_bytes().split(b"\n")
        whole = lines[:-1]
        try:
            first, *rest = [json.loads(line) for line in whole] or [{"sweep": sweep}]
            self._require_same(sweep, dict(first["sweep"]))
            entries = [_checked(entry) for entry in rest]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._path} is not a sweep's journal: delete it to start again"
            ) from error
        with self._path.open("r+b") as stream:
            stream.truncate(sum(len(line) + 1 for line in whole))
        # A failed count is tried again, so that a later line replaces an earlier one.
        return {entry["unit"]: entry for entry in entries}

    def _require_same(self, sweep: Fingerprint, known: Fingerprint) -> None:
        other = [name for name in {**sweep, **known} if sweep.get(name) != known.get(name)]
        if other:
            raise UsageError(
                f"--out {self._directory} holds an unfinished sweep with other settings "
                f"({', '.join(other)}): finish it with them, choose another folder, or delete "
                f"{self._path}"
            )

    def add(
        self, unit: str, flops: Mapping[str, int] | None, method: Method | None, error: str | None
    ) -> None:
        """Write a finished count to the disk: FLOPs by component, or why it failed."""
        self._write({"unit": unit, "flops": flops, "method": method, "error": error})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, finished: bool) -> None:
        """Close it; delete it if the sweep is finished."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)


def _checked(entry: Any) -> Mapping[str, Any]:
    """Return a journal's entry, if a sweep can have written it.

    Raises:
        ValueError, KeyError, TypeError: it cannot.
    """
    if type(entry["unit"]) is not str:
        raise TypeError("the unit must be text")
    flops, method, error = (entry[name] for name in ("flops", "method", "error"))
    if flops is None:
        if type(error) is not str or not error:
            raise ValueError("a failed count must have a reason")
    elif error is not None or method not in METHODS or not _positive(flops):
        raise ValueError("a count must be FLOPs by component, with a sum above 0")
    found: Mapping[str, Any] = entry
    return found


def _positive(flops: Any) -> bool:
    values = list(dict(flops).values())
    return all(type(n) is int and n >= 0 for n in values) and sum(values) > 0
