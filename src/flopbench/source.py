"""A digest of the code that a strategy is made of."""

from __future__ import annotations

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path


def source_digest(cls: type) -> str | None:
    """Return a digest of the file of a class, or of all files of its package; None without one."""
    package = sys.modules.get(cls.__module__.partition(".")[0])
    folders = getattr(package, "__path__", None)
    if folders:
        return _digest(tuple(sorted(p for f in folders for p in Path(f).rglob("*.py"))))
    try:
        file = inspect.getsourcefile(cls)
    except (OSError, TypeError):
        return None
    return _digest((Path(file),)) if file else None


@cache
def _digest(files: tuple[Path, ...]) -> str:
    """Digest files in order; what has gone meanwhile has no bytes."""
    found = hashlib.sha256()
    for path in files:
        found.update(path.name.encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()
