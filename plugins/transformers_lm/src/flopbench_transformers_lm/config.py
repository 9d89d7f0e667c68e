"""A model's config: transformers' config class with its defaults, a config.json, and overrides.

The config is all that closed forms and vendor share. transformers' config classes define the
dimensions, and this module only reads them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.errors import describe, unknown
from flopbench.inputs import read_json
from flopbench_transformers_lm.model_types import needs_transformers


def _require_mapping(_options: Any, attribute: Any, value: Any) -> None:
    is_mapping = isinstance(value, dict)
    wrong = [field for field in value if not isinstance(field, str)] if is_mapping else [value]
    if wrong:
        raise ValueError(f"{attribute.name!r} must be a mapping of config fields: {wrong[0]!r}")


@frozen(kw_only=True)
class LmOptions:
    """What a user may set under ``model.``.

    Attributes:
        config: a ``config.json``; None means the defaults of transformers' config class.
        overrides: fields that replace the config's.
        dtype: dtype of weights, activations and KV cache; None means the config's, or bfloat16.
    """

    config: str | None = None
    overrides: Any = attrs.field(factory=dict, validator=_require_mapping)
    dtype: Literal["bfloat16", "float16", "float32"] | None = None


@frozen
class LmConfig:
    """The complete config of a causal language model.

    Attributes:
        model_type: transformers' name for the kind of model.
        values: every field of the config, defaults filled in; a field that the model names
            differently (GPT-2's ``n_embd``) is also there under its usual name (``hidden_size``).
    """

    model_type: str
    values: Mapping[str, Any]

    def get(self, field: str, default: Any = None) -> Any:
        """Return a field's value, or the default if it has none."""
        return self.values.get(field, default)


def read_config(model_type: str, options: LmOptions) -> LmConfig:
    """Return the complete config that the options describe.

    Raises:
        UsageError: transformers is not installed; the file cannot be read, is of another
            model type or misspells a field; an overridden field does not exist; or transformers
            rejects a value.
    """
    given: dict[str, Any] = {}
    source = f"the defaults of {model_type}"
    if options.config is not None:
        path = Path(options.config)
        given, source = _read(path, model_type), f"model.config={path}"
    if options.overrides:
        _require_fields(model_type, options.overrides, given)
        given, source = _merge(given, options.overrides), f"{source} with model.overrides"
    try:
        config = to_transformers(LmConfig(model_type, given))
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"transformers cannot build a {model_type} config from {source}: {_reason(error)}"
        ) from error
    _require_no_near_misses(model_type, given, source)
    return LmConfig(model_type, _values(config))


def to_transformers(config: LmConfig) -> Any:
    """Return transformers' config object.

    Raises:
        UsageError: transformers is not installed.
        Exception: whatever transformers raises if it rejects a value.
    """
    try:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    except ImportError as error:
        raise needs_transformers(error) from error
    return CONFIG_MAPPING[config.model_type].from_dict(copy.deepcopy(dict(config.values)))


def _values(config: Any) -> dict[str, Any]:
    values = dict(config.to_dict())
    aliases = {usual: own for usual, own in config.attribute_map.items() if own in values}
    return values | {usual: values[own] for usual, own in aliases.items()}


def _read(path: Path, model_type: str) -> dict[str, Any]:
    values = read_json(path, f"model.config={path}")
    if not isinstance(values, dict):
        raise UsageError(f"model.config={path} must hold a JSON object, as a config.json does")
    found = values.get("model_type")
    if not isinstance(found, str):
        raise UsageError(f"model.config={path} lacks the field model_type, such as {model_type!r}")
    if found != model_type:
        raise UsageError(
            f"model.config={path} is of model type {found!r}, not {model_type!r}: run hf/{found}"
        )
    # Code beside the checkpoint is never run, only transformers' own classes.
    values.pop("auto_map", None)
    return values


def _require_fields(
    model_type: str, overrides: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Reject an override of a field that the config does not have; transformers would accept it."""
    known = {*_values(to_transformers(LmConfig(model_type, {}))), *given} - {"model_type"}
    for field in overrides:
        if field not in known:
            raise UsageError(f"model.overrides: {unknown(f'field of {model_type}', field, known)}")


_NEAR = 0.9
"""Similarity, by difflib, from which a field that transformers ignores counts as misspelt."""


def _require_no_near_misses(model_type: str, given: Mapping[str, Any], source: str) -> None:
    """Reject a field that has no effect and nearly matches one that is not given.

    All other unknown fields pass: a config.json may hold those of other versions or programs.
    """
    known = {*_values(to_transformers(LmConfig(model_type, {})))}
    for field in given.keys() - known:
        nearest = get_close_matches(field, known - given.keys(), n=1, cutoff=_NEAR)
        if nearest and _does_nothing(model_type, given, field):
            raise UsageError(
                f"{source}: unknown field of {model_type} {field!r}: did you mean {nearest[0]!r}?"
            )


def _does_nothing(model_type: str, given: Mapping[str, Any], field: str) -> bool:
    """Return whether transformers builds the same config without a field that is given."""
    others = {name: value for name, value in given.items() if name != field}
    with_it, without = (
        _values(to_transformers(LmConfig(model_type, each))) for each in (given, others)
    )
    with_it.pop(field, None)
    return with_it == without


def _merge(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the overrides into the values, field by field where both hold a sub-config."""
    merged = dict(values)
    for key, value in overrides.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _reason(error: Exception) -> str:
    """Return transformers' message in one line."""
    return " ".join(str(error).split()) or describe(error)
