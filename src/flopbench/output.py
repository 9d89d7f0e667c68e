"""Write a run's files all or not at all, each one whole."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flopbench.errors import UsageError


def check_writable(directory: Path) -> None:
    """Fail before any work if files cannot be written under ``directory``; leave no trace.

    Raises:
        UsageError: the directory cannot be made, or takes no file.
    """
    missing = [p for p in (directory, *directory.parents) if not p.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _cannot_write(directory, error) from error
    finally:
        for path in missing:
            if path.is_dir():
                path.rmdir()


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write all files under ``directory``: complete under a temporary name, then renamed.

    Raises:
        UsageError: a file cannot be written.
    """
    written: list[tuple[str, Path]] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
            written.append((temporary, directory / name))
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
        umask = os.umask(0)
        os.umask(umask)
        for temporary, path in written:
            Path(temporary).chmod(0o666 & ~umask)
            Path(temporary).replace(path)
    except OSError as error:
        for temporary, _path in written:
            Path(temporary).unlink(missing_ok=True)
        raise _cannot_write(directory, error) from error


def _cannot_write(directory: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write to --out {directory}: {error.strerror}")
