"""Layers of configuration, merged: files and overrides. The only module that knows OmegaConf."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import attrs
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from flopbench.errors import UsageError
from flopbench.inputs import read_text, yaml12
from flopbench.inputs.numbers import quoted
from flopbench.plan.structure import first_line

_NULLS = ("null", "Null", "NULL", "~")

RENAMED = {"vendor.method": "run.method"}
"""Keys by the names that they had."""

SAME = {"vendor.own_formulas": "run.own_formulas"}
"""Keys that may be given in another section, too: of how the vendor is counted."""

_MOST_REFERENCES = 20
"""References that a value may hold, as in ``${workload.steps}``."""

_OMEGACONF = (OmegaConfBaseException, AttributeError, LookupError, TypeError, ValueError)
"""What OmegaConf raises for values that it cannot take."""

LOG = logging.getLogger("flopbench")


def merged(
    paths: Iterable[Path], overrides: Iterable[str], schema: Mapping[str, type]
) -> dict[str, Any]:
    """Merge files and overrides, later ones winning; interpolations are resolved.

    Args:
        schema: the attrs class of each section.

    Raises:
        UsageError: a file cannot be read, an override is malformed, or the layers do not merge.
    """
    layers = [_read(path) for path in paths]
    layers += [_override(text, schema) for text in overrides]
    layers = [_with_new_names(layer, schema) for layer in layers]
    try:
        whole = OmegaConf.merge(*layers)
        plain: Any = OmegaConf.to_container(whole, resolve=True, throw_on_missing=True)
    except RecursionError as error:
        raise UsageError("cannot merge the configuration: it is nested too deeply") from error
    except _OMEGACONF as error:
        raise UsageError(f"cannot merge the configuration: {first_line(error)}") from error
    found: dict[str, Any] = plain
    return found


def _with_new_names(layer: DictConfig, schema: Mapping[str, type]) -> DictConfig:
    """Return a layer with its keys in their sections; say which had old names."""
    for old, new in (RENAMED | SAME).items():
        section, name = old.split(".")
        known = section in schema and name in attrs.fields_dict(schema[section])
        if known or section not in layer or not isinstance(layer[section], DictConfig):
            continue
        if name in layer[section]:
            value = layer[section].pop(name)
            renamed: Any = OmegaConf.merge(layer, _nested(new, value))
            layer = renamed
            from multiprocessing import parent_process

            if old in RENAMED and parent_process() is None:  # said once, and not by each worker
                LOG.warning("%s is now %s; the old name works until version 0.3", old, new)
    return layer


def _nested(key: str, value: Any) -> DictConfig:
    section, name = key.split(".")
    return OmegaConf.create({section: {name: value}})


def _read(path: Path) -> DictConfig:
    text = read_text(path, f"the configuration {path}", most=yaml12.MOST_BYTES)
    try:
        values = _parsed(text)
        if not isinstance(values, dict | None):
            raise UsageError(f"{path} must hold a mapping of sections, such as 'workload:'")
        return OmegaConf.create(values or {})
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply") from error
    except _OMEGACONF as error:
        raise UsageError(f"{path} is not valid YAML: {first_line(error)}") from error


def _parsed(text: str) -> Any:
    """Return what a text of YAML holds.

    Raises:
        ValueError: it is not valid, or refers to so much that OmegaConf would take forever.
    """
    found = yaml12.parse(text)
    for value in yaml12.values(found):
        if isinstance(value, str) and value.count("${") > _MOST_REFERENCES:
            raise ValueError(f"a value refers to more than {_MOST_REFERENCES} others")
    return found


def _with_section(key: str, schema: Mapping[str, type]) -> str:
    """Say which sections have a key, or else the nearest one that any has."""
    by_name: dict[str, list[str]] = {}
    for section, cls in schema.items():
        for field in attrs.fields(cls):
            by_name.setdefault(field.name, []).append(f"{section}.{field.name}")
    if key in by_name:
        return f": {' or '.join(by_name[key])}"
    nearest = get_close_matches(key, by_name, n=1)
    if nearest:
        return f": did you mean {' or '.join(by_name[nearest[0]])}?"
    return f", as {' or '.join(f'{section}.KEY=VALUE' for section in schema)}"


def _override(text: str, schema: Mapping[str, type]) -> DictConfig:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(
            f"override {quoted(text)} must be KEY=VALUE, such as workload.batch_size=2"
        )
    if key in schema:
        raise UsageError(
            f"override {quoted(text)} must name a key in the section, as {key}.KEY=VALUE"
        )
    if "." not in key:
        raise UsageError(f"override {quoted(text)} must name a section{_with_section(key, schema)}")
    try:
        override = OmegaConf.create({})
        OmegaConf.update(override, key, _parsed(value))
        given: Any = OmegaConf.to_container(override)
        for part in key.strip().split("."):
            given = given.get(part, part) if isinstance(given, dict) else given
    except RecursionError as error:
        raise UsageError(f"override {quoted(text)} is nested too deeply") from error
    except _OMEGACONF as error:
        raise UsageError(f"override {quoted(text)} is not valid: {first_line(error)}") from error
    if given in (None, "") and value.strip() not in _NULLS:
        raise UsageError(f"override {quoted(text)} has no value: if that is intended, write null")
    return override
