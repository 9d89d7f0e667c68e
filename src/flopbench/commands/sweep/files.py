"""The files of a finished sweep: a folder holds those of one sweep, and any files of others.

A list beside them names the files that sweeps wrote, with digests. A listed file that the present
sweep does not write is deleted, if its content is still what a sweep wrote.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flopbench.commands.sweep.page import to_html
from flopbench.commands.sweep.text import to_csv, to_markdown
from flopbench.errors import UsageError
from flopbench.inputs import read_json
from flopbench.text import json_text, visible
from flopbench.values.files import write_files

LIST = ".sweep.files"

Written = dict[str, list[str]]
"""Digests that a file may have, by its name: two while a sweep replaces it."""


def texts(report: Mapping[str, Any]) -> dict[str, str | bytes]:
    """Return the files of a sweep that are text, by name."""
    return {
        "sweep.json": json_text(report, 1) + "\n",
        "sweep.csv": to_csv(report),
        "sweep.md": to_markdown(report),
        "sweep.html": to_html(report) + "\n",
    }


def replace_files(directory: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a sweep's files, and delete those of an earlier sweep.

    No other process may write there. If this one is killed midway, the next call does the rest.

    Raises:
        UsageError: a file cannot be written; then none is.
    """
    before = _read(directory)
    now = {name: [_digest(data)] for name, data in files.items()}
    both = {name: before.get(name, []) + now.get(name, []) for name in {**before, **now}}
    write_files(directory, {LIST: _text(both), **files}, alone=True)
    for name, digests in before.items():
        path = directory / name
        ours = name not in now and path.is_file() and not path.is_symlink()
        if ours and _digest(path.read_bytes()) in digests:
            path.unlink()
    write_files(directory, {LIST: _text(now)}, alone=True)


def _read(directory: Path) -> Written:
    """Return what sweeps wrote there; nothing if no sweep can have written the list."""
    try:
        found = read_json(directory / LIST, LIST)
        return {name: [str(d) for d in found[name]] for name in found if Path(name).name == name}
    except (UsageError, ValueError, TypeError):
        return {}


def _text(written: Written) -> str:
    return json.dumps(dict(sorted(written.items())), indent=1) + "\n"


def _digest(data: str | bytes) -> str:
    content = data if isinstance(data, bytes) else visible(data).encode()
    return hashlib.sha256(content).hexdigest()
