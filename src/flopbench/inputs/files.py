"""The one reader of files that users name: regular files only, and of bounded size.

A pipe that nobody writes to would hang, and a device may have no end.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import IO, Any

from flopbench.errors import UsageError

MOST_BYTES = 64 * 2**20
"""What a file may hold, unless its reader says otherwise."""

_FLAGS = (
    getattr(os, "O_NONBLOCK", 0)  # Windows has none of these
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_bytes(path: Path, name: str, *, most: int = MOST_BYTES) -> bytes:
    """Return what a regular file holds.

    Args:
        name: what the file is, for the message, such as ``model.config=config.json``.
        most: bytes that it may hold.

    Raises:
        UsageError: it cannot be read, is not a regular file, or is larger than ``most``.
    """
    try:
        return regular(path, most)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {name}: {_reason(error)}") from error


def read_text(path: Path, name: str, *, most: int = MOST_BYTES) -> str:
    """Return the text of a regular file in UTF-8; as `read_bytes`.

    Raises:
        UsageError: as of `read_bytes`, or it is not UTF-8.
    """
    try:
        return read_bytes(path, name, most=most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {name}: byte {error.start} is not UTF-8") from error


def read_json(path: Path, name: str, *, most: int = MOST_BYTES) -> Any:
    """Return what a regular file of JSON holds; as `read_bytes`.

    Raises:
        UsageError: as of `read_bytes`, or it is not JSON.
    """
    try:
        return json.loads(read_bytes(path, name, most=most))
    except RecursionError as error:
        raise UsageError(f"{name} is not a JSON file: it is nested too deeply") from error
    except ValueError as error:
        # Python advises a setting of its own against long numbers.
        why = "a number has too many digits" if "max_str_digits" in str(error) else error
        raise UsageError(f"{name} is not a JSON file: {why}") from error


def regular(path: Path, most: int) -> bytes:
    """Return what a regular file holds.

    Raises:
        OSError: it cannot be read, is not a regular file, or is larger than ``most`` bytes.
        ValueError: the path holds a null character.
    """
    _require_regular(path.stat())  # before it is opened: opening some devices does something
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as stream:
        _require_regular(os.fstat(descriptor))
        # A file such as those in /proc may hold more than its size says.
        found = stream.read(most + 1)
    if found is None:
        raise OSError(errno.EAGAIN, "it gives nothing to read")
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it holds more than {most:,} bytes")
    return found


def _require_regular(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def open_own(path: Path) -> IO[bytes]:
    """Open a file of flopbench's own for reading and writing; make it if it is not there.

    What somebody else put there is left as it is: a link is not followed, nothing is cut off.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    flags = _FLAGS | os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
            raise
        raise _irregular(path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _irregular(path)
    return os.fdopen(descriptor, "r+b")


def _irregular(path: Path) -> OSError:
    return OSError(errno.EINVAL, f"{path.name} is not a regular file")


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; return those that were missing, innermost first.

    Raises:
        OSError: one cannot be made; then none is left.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    made: list[Path] = []
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            made.insert(0, path)
        folder.mkdir(exist_ok=True)  # an error if it is a file
    except BaseException:
        remove_folders(made)
        raise
    return made


def remove_folders(folders: list[Path]) -> None:
    """Remove folders, innermost first, as far as they are empty."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
