"""Write files: all or none, each of them whole."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from flopbench.errors import FlopbenchError, UsageError
from flopbench.inputs.files import make_folder, remove_folders
from flopbench.inputs.numbers import quoted
from flopbench.text import listed, visible


def check_writable(directory: Path) -> None:
    """Fail before any work if files cannot be written under ``directory``; leave no trace.

    Raises:
        UsageError: the directory cannot be created or written to.
    """
    made: list[Path] = []
    try:
        made = make_folder(directory)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, ValueError) as error:
        raise _cannot_write(directory, error) from error
    finally:
        remove_folders(made)


def save(path: Path, formats: Mapping[str, Callable[[], str | bytes]]) -> Path:
    """Write a file in the form that its name ends with, and return its path.

    Args:
        formats: what makes the content, by ending.

    Raises:
        UsageError: the ending names no form, or the file cannot be written.
    """
    check_ending(path, formats)
    content = formats[path.suffix.lower()]()
    if isinstance(content, str):
        content = content.rstrip("\n") + "\n"
    write_files(path.parent, {path.name: content}, to=str(path))
    return path


def check_ending(path: Path, endings: Collection[str]) -> None:
    """Refuse a file whose name ends with none of the endings.

    Raises:
        UsageError: it does.
    """
    if path.suffix.lower() not in endings:
        named = listed(endings, "or")
        raise UsageError(f"cannot save to {quoted(path.name)}: its name must end with {named}")


Content = str | bytes | Callable[[Path], None]
"""What a file holds; or what writes it, at a path."""


def write_files(
    directory: Path,
    files: Mapping[str, Content],
    *,
    alone: bool = False,
    to: str | None = None,
    before: Callable[[Mapping[str, str]], None] | None = None,
) -> None:
    """Write all files under ``directory``: complete under a temporary name, then renamed.

    Args:
        alone: whether no other process writes there now. If so, temporary files that a killed
            process left behind are deleted.
        to: what an error says could not be written to; by default ``--out`` and the folder.
        before: called when all are complete and none is renamed, with their digests by name.

    Raises:
        UsageError: a file cannot be written; then none is, and no new folder is left.
    """
    written: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        made = make_folder(directory)
        _make_way(directory, files, alone=alone)
        for name, content in files.items():
            written[_temporary(directory, name, content)] = directory / name
        if before:
            before({path.name: digest(temporary) for temporary, path in written.items()})
        for temporary, path in written.items():
            temporary.replace(path)
    except FlopbenchError:
        raise
    except (OSError, ValueError) as error:
        raise _cannot_write(directory, error, to) from error
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)
        remove_folders(made)  # those without files


def _make_way(directory: Path, names: Iterable[str], *, alone: bool) -> None:
    """Refuse names of folders; delete what a killed process left, if none writes there."""
    for name in names:
        if (directory / name).is_dir():
            raise IsADirectoryError(None, f"{name} is a directory")
        if alone:
            _clear(directory, name)


def digest(path: Path) -> str:
    """Return the digest of what a file holds."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _temporary(directory: Path, name: str, content: Content) -> Path:
    """Write a whole file under a temporary name, with the permissions of a new file."""
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
    path = Path(temporary)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if isinstance(content, bytes):
                stream.write(content)
            elif isinstance(content, str):
                # It may hold a name that the system cannot decode, or that steers a terminal.
                stream.write(visible(content).encode())
        if callable(content):
            content(path)
        umask = os.umask(0)
        os.umask(umask)
        path.chmod(0o666 & ~umask)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _clear(directory: Path, name: str) -> None:
    for path in directory.glob(f".{glob.escape(name)}.*"):
        # mkstemp ends a name with eight of these characters.
        if re.fullmatch(r"[a-z0-9_]{8}(\.narrow)?", path.name.removeprefix(f".{name}.")):
            path.unlink(missing_ok=True)


def _cannot_write(
    directory: Path, error: OSError | ValueError, to: str | None = None
) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(f"cannot write to {to or f'--out {directory}'}: {reason}")
