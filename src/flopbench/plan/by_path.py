"""A model named by the path of its config file, or of the folder that holds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from flopbench.boundary import answer
from flopbench.errors import UsageError
from flopbench.inputs.configs import exists, is_repository
from flopbench.registry.catalog import Catalog
from flopbench.registry.shipped import SHIPPED
from flopbench.text import shortened
from flopbench.wildcards import pattern_for

_NEAR = 0.6
"""Similarity, by difflib, from which the start of a name is taken for a misspelt one."""


def named(catalog: Catalog, model: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a model, and the options that its path stands for.

    Raises:
        UsageError: the path is of no file, or no model reads the file.
        PluginError: a model's plugin raises.
    """
    if catalog.models.find(model) is not None:
        return model, {}
    path = Path(model)
    if not exists(path):
        _refuse_no_path(catalog, model)
        _refuse_no_name(catalog, model)
        return model, {}
    # A model of one architecture before one that reads any.
    for name, strategy, _source in sorted(catalog.models, key=lambda m: m[0].endswith("*")):
        what = f"model {name!r}: for_file"
        if found := answer(what, str | None, strategy.for_file, path):
            return found, {"model.config": model}
    raise UsageError(f"no model reads {model}: name a model, and this file as its model.config")


def _refuse_no_name(catalog: Catalog, model: str) -> None:
    """Refuse what is neither the name of a model nor a path, and say both.

    Raises:
        UsageError: always, since no model has the name.
    """
    try:
        catalog.models.get(model)
    except UsageError as error:
        if model in SHIPPED["model"] or pattern_for(model, SHIPPED["model"]):
            raise  # what to install is all that helps
        raise UsageError(f"{error}; nor is there a file or folder of that name") from error


def _refuse_no_path(catalog: Catalog, model: str) -> None:
    """Refuse what looks like a path, or like a repository's name, rather than a model's name.

    Raises:
        UsageError: it does.
    """
    if model.endswith(".json") or model.startswith((".", os.sep)):
        raise UsageError(f"cannot read {shortened(model)}: there is no such file or folder")
    owner = model.partition("/")[0].casefold()
    known = (*(name for name, _, _ in catalog.models), *SHIPPED["model"])
    prefixes = {name.partition("/")[0] for name in known if "/" in name}
    if is_repository(model) and not get_close_matches(owner, prefixes, 1, _NEAR):
        raise UsageError(
            f"{model} is no path and no model's name: nothing is downloaded; save the config.json "
            "of that repository, and give its path"
        )
