"""Which values of a config are not defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flopbench import UsageError
from flopbench.text import listed, shortened
from flopbench_transformers_lm.config import (
    LmConfig,
    LmOptions,
    all_values,
    built,
    config_class,
    read_config,
)
from flopbench_transformers_lm.model_types import causal_lm_types, multimodal_types

_MOST_TEXT = 40
_MOST_VALUES = 4

_NO_SIZES = frozenset({"architectures", "dtype", "transformers_version", "_name_or_path"})
"""Fields that files have and that decide nothing about a model's code."""


def given_values(config: LmConfig) -> dict[str, Any]:
    """Return the fields that differ from the defaults, by name; ``part.name`` within a part.

    A part of a model has other defaults than its type alone: those of the nearest count.
    """
    found = [_differences(config, default) for default in _defaults(config)]
    return min(found, key=len, default={})


def _defaults(config: LmConfig) -> Iterator[LmConfig]:
    """Yield the defaults of a type, and of models that may have it as their part."""
    kinds = {config.model_type: None}
    if config.part:
        stem = config.model_type.split("_")[0]
        wholes = (*causal_lm_types(), *multimodal_types())
        kinds |= dict.fromkeys(kind for kind in wholes if kind.split("_")[0] == stem)
    known = False
    for kind in kinds:
        try:
            found = read_config(kind, LmOptions())
        except UsageError:
            continue
        if found.model_type == config.model_type:
            known = True
            yield found
    if not known:  # a model whose language model alone has a config of its own
        try:
            yield LmConfig(config.model_type, all_values(built(config.model_type, {}, "")))
        except UsageError:
            return


def _differences(config: LmConfig, default: LmConfig) -> dict[str, Any]:
    usual = {*config_class(config.model_type).attribute_map} | _NO_SIZES
    found = flat(config.values, default.values)
    return {name: value for name, value in found if name not in usual}


def wrong_one_of(given: Mapping[str, Any], error: Exception) -> str | None:
    """Name the values that may be wrong, likely ones first; None if none were given.

    Args:
        given: those that are not defaults, by name.
    """
    if not given:
        return None
    text = str(error)

    def seems_right(name: str) -> tuple[bool, bool]:
        value = given[name]
        told = name in text or (isinstance(value, str) and value in text)
        return not told, not (type(value) in (int, float) and value <= 0)

    names = sorted(given, key=seems_right)[:_MOST_VALUES]
    shown = [f"{name}={shortened(str(given[name]), _MOST_TEXT)}" for name in names]
    others = len(given) - len(names)
    more = [f"{others} more"] if others else []
    return f"a value that was given may be wrong: {listed([*shown, *more], 'or')}"


def flat(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values that differ from the defaults, by name; ``part.name`` within a part."""
    for name, value in values.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in flat(value, default))
        elif value != default:
            yield name, value
