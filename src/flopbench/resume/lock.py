"""The folder of a command such as ``sweep``: one of its kind writes there at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flopbench.errors import UsageError
from flopbench.inputs.files import make_folder, open_own, remove_folders

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock_path(directory: Path, command: str) -> Path:
    """Return what a command locks: ``.sweep.lock`` for a sweep."""
    return directory / f".{command}.lock"


@contextmanager
def locked(directory: Path, command: str) -> Iterator[None]:
    """Lock the folder for one command of a kind; the system releases it however the process ends.

    On Windows nothing is locked: two in one folder are not told apart.
    A folder created for one that wrote nothing is removed afterwards.

    Raises:
        UsageError: another one holds the lock, or nothing can be written there.
    """
    path = lock_path(directory, command)
    made: list[Path] = []
    try:
        made = make_folder(directory)
        stream = _held(path)
    except OSError as error:
        remove_folders(made)
        raise UsageError(f"cannot write to --out {directory}: {error.strerror}") from error
    if stream is None:
        raise UsageError(
            f"another {command} is writing to --out {directory}: wait for it, or choose another"
        )
    with stream:
        try:
            yield
        finally:
            if not os.fstat(stream.fileno()).st_size:  # a command's own
                _remove(path, stream)
            remove_folders(made)


def _held(path: Path) -> IO[bytes] | None:
    """Open and lock a file; None if another process holds it."""
    while True:
        stream = open_own(path)
        if not _lock(stream):
            stream.close()
            return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                return stream
        # A command that ended between the two steps removed the file.
        stream.close()


def _remove(path: Path, stream: IO[bytes]) -> None:
    """Remove the lock.

    While it is locked: whoever opened it meanwhile sees that the path lost this file. Windows does
    not remove an open file, be it another one's.
    """
    if fcntl:
        path.unlink(missing_ok=True)
        return
    stream.close()
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _lock(stream: IO[bytes]) -> bool:
    """Lock a file; return False if another process holds it."""
    if not fcntl:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
