"""A model's ``config.json``, named by itself or by its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs.files import read_json


def exists(path: Path) -> bool:
    """Return whether there is something at a path; nothing can be at one that is too long."""
    return os.path.exists(path)  # noqa: PTH110 - Path's raises if the name is too long


def is_repository(given: str) -> bool:
    """Return whether a text that is no path looks like a repository's name, OWNER/NAME."""
    owner, slash, name = given.partition("/")
    parts = bool(slash and owner.strip(".~") and name) and "/" not in name
    return parts and not given.endswith(".json") and not exists(Path(owner))


def config_path(given: str) -> Path:
    """Return the path of a config.json, given as itself or as its folder.

    Raises:
        UsageError: it is the name of a repository, not a path.
    """
    path = Path(given)
    if exists(path):
        return path / "config.json" if path.is_dir() else path
    if is_repository(given):
        raise UsageError(
            f"cannot read model.config={given}: nothing is downloaded; save the config.json of "
            "that repository, and give its path"
        )
    return path


def read_config_json(path: Path) -> dict[str, Any]:
    """Return the object in a config.json.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    values = read_json(path, f"model.config={path}")
    if not isinstance(values, dict):
        raise UsageError(f"model.config={path} must hold a JSON object, as a config.json does")
    return values
