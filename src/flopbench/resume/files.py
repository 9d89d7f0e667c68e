"""The files of a finished command: a folder holds those of one sweep, say, and any of others.

A list beside them names the files that sweeps wrote, with digests. A listed file that the present
sweep does not write is deleted, if its content is still what a sweep wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from flopbench.errors import UsageError
from flopbench.inputs import read_json
from flopbench.values.files import Content, digest, write_files

Written = dict[str, list[str]]
"""Digests that a file may have, by its name: two while a command replaces it."""


def list_name(command: str) -> str:
    """Return the name of the list of a command's files: ``.sweep.files`` for a sweep."""
    return f".{command}.files"


def replace_files(
    directory: Path, command: str, files: Mapping[str, Content], *, kept: Iterable[str] = ()
) -> None:
    """Write a command's files, and delete those of an earlier one of its kind.

    No other process may write there. If this one is killed midway, the next call does the rest.

    Args:
        kept: names of files that an earlier call wrote and that stay as they are.

    Raises:
        UsageError: a file cannot be written; then none is.
    """
    listed = list_name(command)
    before = _read(directory / listed)
    now = {name: before[name] for name in kept if name in before}

    def complete(digests: Mapping[str, str]) -> None:
        new = {name: [found] for name, found in digests.items()}
        now.update(new)
        both = {name: before.get(name, []) + new.get(name, []) for name in {**before, **new}}
        write_files(directory, {listed: _text(both)}, alone=True)

    write_files(directory, files, alone=True, before=complete)
    for name, digests in before.items():
        path = directory / name
        ours = name not in now and path.is_file() and not path.is_symlink()
        if ours and digest(path) in digests:
            path.unlink()
    write_files(directory, {listed: _text(now)}, alone=True)


def _read(path: Path) -> Written:
    """Return what a list names; nothing if no command can have written it."""
    try:
        found = read_json(path, path.name)
        return {name: [str(d) for d in found[name]] for name in found if Path(name).name == name}
    except (UsageError, ValueError, TypeError):
        return {}


def _text(written: Written) -> str:
    return json.dumps(dict(sorted(written.items())), indent=1) + "\n"
