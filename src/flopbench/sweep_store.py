"""The folder of a sweep: one sweep at a time, and a journal that outlives a killed one.

The journal's first line says which sweep it is of; each further line is a finished count,
on disk before the next one begins. A line that a kill cut short is dropped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flopbench.errors import UsageError

LOCK, JOURNAL = ".sweep.lock", ".sweep.journal"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the folder for one sweep; the system lets go of it however the process ends.

    Raises:
        UsageError: another sweep holds it, or nothing can be written there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        stream = (directory / LOCK).open("w")
    except OSError as error:
        raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"another sweep is writing to --out {directory}: wait for it, or choose another"
            ) from error
        yield


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Return a digest of everything that a sweep's counts depend on."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """What has been counted so far, by name."""

    def __init__(self, directory: Path, digest: str) -> None:
        """Read the journal in ``directory``, or start one.

        Raises:
            UsageError: it is another sweep's, or cannot be read or written.
        """
        self._path = directory / JOURNAL
        self._directory = directory
        try:
            self.entries = self._read(digest)
            self._stream = self._path.open("a", encoding="utf-8")
            if self._stream.tell() == 0:
                self._write({"sweep": digest})
        except OSError as error:
            raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error

    def _read(self, digest: str) -> dict[str, Any]:
        if not self._path.exists():
            return {}
        lines = self._path.read_bytes().split(b"\n")
        whole = lines[:-1]
        with self._path.open("r+b") as stream:
            stream.truncate(sum(len(line) + 1 for line in whole))
        if not whole:
            return {}
        try:
            first, *rest = [json.loads(line) for line in whole]
            if first["sweep"] != digest:
                raise UsageError(
                    f"--out {self._directory} holds an unfinished sweep with other settings: "
                    f"finish it with them, choose another folder, or delete {self._path}"
                )
            return {entry["unit"]: entry for entry in rest}
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._path} is no journal of a sweep: delete it to begin anew"
            ) from error

    def add(self, unit: str, flops: int | None, error: str | None) -> None:
        """Write a finished count to the disk."""
        self._write({"unit": unit, "flops": flops, "error": error})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, finished: bool) -> None:
        """Close it; a finished sweep needs none any more."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)
