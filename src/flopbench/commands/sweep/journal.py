"""The folder of a sweep: one sweep at a time, and a journal that outlives a killed one.

The journal's first line says which sweep it is of; each further line is a finished count,
on disk before the next one begins. A line that a kill cut short is dropped.
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

LOCK, JOURNAL = ".sweep.lock", ".sweep.journal"

Fingerprint = Mapping[str, str]
"""Digests of what a sweep's counts depend on, by what it is."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the folder for one sweep; the system lets go of it however the process ends.

    A folder that was made for a sweep that wrote nothing is gone again afterwards.

    Raises:
        UsageError: another sweep holds it, or nothing can be written there.
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
            # While it is held: whoever opened it meanwhile sees that it is another's file now.
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
        # A sweep that ended between the two steps took the file away.
        stream.close()


def fingerprint(settings: Mapping[str, Any]) -> Fingerprint:
    """Return digests of the settings that a sweep's counts depend on.

    Raises:
        PluginError: a setting holds something that no text stands for.
    """
    found = {}
    for name, value in settings.items():
        try:
            text = canonical(value)
        except TypeError as error:
            raise PluginError(
                f"a sweep cannot tell its {name} from another: it holds {error}"
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
            known = dict(first["sweep"])
            entries = [_checked(entry) for entry in rest]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self._path} is no journal of a sweep: delete it to begin anew"
            ) from error
        other = [name for name in {**sweep, **known} if sweep.get(name) != known.get(name)]
        if other:
            raise UsageError(
                f"--out {self._directory} holds an unfinished sweep with other settings "
                f"({', '.join(other)}): finish it with them, choose another folder, or delete "
                f"{self._path}"
            )
        with self._path.open("r+b") as stream:
            stream.truncate(sum(len(line) + 1 for line in whole))
        # What failed is tried again, so that a later line is the better one.
        return {entry["unit"]: entry for entry in entries}

    def add(
        self, unit: str, flops: Mapping[str, int] | None, method: str | None, error: str | None
    ) -> None:
        """Write a finished count to the disk: FLOPs by component, or why there are none."""
        self._write({"unit": unit, "flops": flops, "method": method, "error": error})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(entry) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self, *, finished: bool) -> None:
        """Close it; a finished sweep needs none any more."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)


def _checked(entry: Any) -> Mapping[str, Any]:
    """Return an entry of a journal if a sweep can have written it.

    Raises:
        ValueError, KeyError, TypeError: it cannot.
    """
    if type(entry["unit"]) is not str:
        raise TypeError("the unit is no text")
    flops, method, error = (entry[name] for name in ("flops", "method", "error"))
    if flops is None:
        if type(error) is not str or not error:
            raise ValueError("a failed count has a reason")
    elif error is not None or method not in ("call", "law") or not _positive(flops):
        raise ValueError("a count is FLOPs by component, above 0 together")
    found: Mapping[str, Any] = entry
    return found


def _positive(flops: Any) -> bool:
    values = list(dict(flops).values())
    return all(type(n) is int and n >= 0 for n in values) and sum(values) > 0
