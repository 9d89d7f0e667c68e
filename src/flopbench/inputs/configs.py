"""A model's ``config.json``, named by itself or by its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from flopbench.errors import UsageError
from flopbench.inputs.files import read_json


def config_path(given: str) -> Path:
    """Return the path of a config.json, given as itself or as its folder.

    Raises:
        UsageError: it is the name of a repository, not a path.
    """
    path = Path(given)
    # Unlike Path's, these take a name that is too long for one that is not there.
    exists, is_folder = os.path.exists, os.path.isdir
    if is_folder(path):
        return path / "config.json"
    if given.count("/") == 1 and not path.suffix and not exists(path) and not exists(path.parent):
        raise UsageError(
            f"cannot read model.config={given}: nothing is downloaded; save the config.json of "
            "that repository, and give its path"
        )
    return path


def read_config(path: Path) -> dict[str, Any]:
    """Return the object in a config.json.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    values = read_json(path, f"model.config={path}")
    if not isinstance(values, dict):
        raise UsageError(f"model.config={path} must hold a JSON object, as a config.json does")
    return values
