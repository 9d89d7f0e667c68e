"""What a caller of a function gives, in the terms of the command line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopbench.errors import PluginError, UsageError
from flopbench.inputs.numbers import MOST, quoted

if TYPE_CHECKING:
    from flopbench.registry.catalog import Catalog

LOG = logging.getLogger("flopbench")

PathText = str | os.PathLike[str]
Section = Mapping[str, Any] | None
"""Keys and values of a section of the configuration; a value may be a mapping again."""


def model_name(model: PathText) -> str:
    """Return a model's name, or the path of its config.

    Raises:
        UsageError: it is neither.
    """
    if not isinstance(model, str | os.PathLike):
        raise UsageError(f"a model must be a name or a path, got {quoted(model)}")
    return os.fspath(model)


def count_of(option: str, number: int | None) -> int | None:
    """Return the number of something; None stays None.

    Raises:
        UsageError: it is no whole number of at least 1.
    """
    is_count = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MOST
    if number is not None and not is_count:
        raise UsageError(f"{option} must be an integer from 1 to {MOST:,}, got {quoted(number)}")
    return number


def file_of(config: PathText | None) -> Path | None:
    """Return the YAML file of configuration.

    Raises:
        UsageError: it is no path.
    """
    from flopbench.inputs.options import path

    return None if config is None else path("--config", config)


def overrides_of(**sections: Section) -> list[str]:
    """Return the ``KEY=VALUE`` texts that sections of the configuration stand for.

    Raises:
        UsageError: one is no mapping, or has a value without a text.
    """
    from flopbench.inputs.overrides import overrides

    return [text for name, values in sections.items() for text in overrides(name, values)]


def plugin_names(plugins: PathText | Iterable[PathText]) -> list[str]:
    """Return what ``-p`` takes."""
    given = [plugins] if isinstance(plugins, str | os.PathLike) else plugins
    return [os.fspath(plugin) for plugin in given]


def catalog_of(plugins: Iterable[str], strict: bool) -> Catalog:
    """Load plugins; those that fail and were not asked for are logged.

    Raises:
        PluginError: a plugin that was asked for fails, or any does and ``strict`` is set.
        UsageError: a plugin to block is none.
    """
    from flopbench.registry.catalog import build_catalog
    from flopbench.registry.loading import BY_HAND, load_plugins

    catalog = build_catalog(load_plugins([*plugins]))
    if strict:
        catalog.raise_failures()
    for failure in catalog.failures:
        if failure.source.origin == BY_HAND:
            raise PluginError(str(failure))
        LOG.warning("%s", failure)
    return catalog
