"""A model's config: transformers' config class with its defaults, a config.json, and overrides.

The config is all that closed forms and vendor share. transformers' config classes define the
dimensions, and this module only reads them.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.errors import describe
from flopbench.inputs.numbers import MOST
from flopbench.text import shortened
from flopbench_transformers_lm.model_types import needs_transformers


def require_mapping(_options: Any, attribute: Any, value: Any) -> None:
    is_mapping = isinstance(value, dict)
    wrong = [field for field in value if not isinstance(field, str)] if is_mapping else [value]
    if wrong:
        raise ValueError(f"{attribute.name!r} must be a mapping of config fields: {wrong[0]!r}")


@frozen(kw_only=True)
class LmOptions:
    """What a user may set under ``model.``.

    Attributes:
        config: a ``config.json``, or the folder that holds it; None means the defaults of
            transformers' config class.
        overrides: fields that replace the config's.
        as_named: run a ``config.json`` of another ``model_type`` as the type in the model's name.
        unknown_fields: ``ignore`` a field of the ``config.json`` that has no effect, as
            transformers does, even if it looks like a misspelt one; None refuses such a field.
        dtype: dtype of weights, activations and KV cache; None means the config's, or bfloat16.
    """

    config: str | None = None
    overrides: Any = attrs.field(factory=dict, validator=require_mapping)
    as_named: bool | None = None
    unknown_fields: Literal["ignore"] | None = None
    dtype: Literal["bfloat16", "float16", "float32"] | None = None


@frozen
class LmConfig:
    """The complete config of a model that generates text.

    Attributes:
        model_type: transformers' name for the kind of model that runs.
        values: every field of the config, defaults filled in; a field that the model names
            differently (GPT-2's ``n_embd``) is also there under its usual name (``hidden_size``).
        language: the config of the decoder, if it is only a part of the model.
        notes: what a reader of the numbers must know about where the config comes from.
        part: names of the fields of the file that hold the decoder's config.
        quantisation: the file's ``quantization_config``, if it has one.
    """

    model_type: str
    values: Mapping[str, Any]
    language: LmConfig | None = None
    notes: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    quantisation: Mapping[str, Any] | None = None

    @property
    def decoder(self) -> LmConfig:
        """The config of the part that generates text."""
        return self.language or self

    def get(self, field: str, default: Any = None) -> Any:
        """Return a field's value, or the default if it has none."""
        return self.values.get(field, default)


def read_config(model_type: str, options: LmOptions) -> LmConfig:
    """Return the complete config that the options describe.

    Raises:
        UsageError: transformers is not installed or has no such language model; the file cannot
            be read, is of another model type or misspells a field; an overridden field does not
            exist; or transformers rejects a value.
    """
    from flopbench_transformers_lm.misspelt import checked, ignored_near_misses
    from flopbench_transformers_lm.sources import Given, require_effect

    given = Given.of(model_type, options.config, as_named=bool(options.as_named))
    found = given.resolved()
    if options.overrides:
        overrides = checked(options.overrides, given, found)
        given = given.with_overrides(overrides, found)
        found = given.resolved()
        require_effect(overrides, given.model_type, found)
    notes = ignored_near_misses(given, refuse=options.unknown_fields is None)
    return attrs.evolve(found, notes=(*found.notes, *notes))


def to_transformers(config: LmConfig) -> Any:
    """Return transformers' config object.

    Raises:
        UsageError: transformers is not installed.
        Exception: whatever transformers raises if it rejects a value.
    """
    kind = config_class(config.model_type)
    with quiet():
        return kind.from_dict(copy.deepcopy(dict(config.values)))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what transformers logs: warnings at each config, and errors that it also raises."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def config_class(model_type: str) -> Any:
    """Return transformers' config class for a type.

    Raises:
        UsageError: transformers is not installed.
        KeyError: it has no such type.
    """
    try:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    except ImportError as error:
        raise needs_transformers(error) from error
    return CONFIG_MAPPING[model_type]


def all_values(config: Any) -> dict[str, Any]:
    """Return all fields of transformers' config object, under their usual names, too."""
    values = dict(config.to_dict())
    aliases = {usual: own for usual, own in config.attribute_map.items() if own in values}
    return values | {usual: values[own] for usual, own in aliases.items()}


def built(model_type: str, values: Mapping[str, Any], source: str) -> Any:
    """Build transformers' config object.

    Raises:
        UsageError: transformers rejects a value; ``source`` says where it comes from.
    """
    _require_sizes(values, source)
    try:
        return to_transformers(LmConfig(model_type, values))
    except UsageError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or describe(error)
        told = f"transformers cannot build a {model_type} config from {source}: {reason}"
        helps = "; give the config.json of a checkpoint (model.config)"
        raise UsageError(
            told + (helps if source == f"the defaults of {model_type}" else "")
        ) from error


_MOST_ITEMS = 10**5
_COUNTS = re.compile(r"(layers?|num_labels|blocks)$")
"""The largest number of what transformers makes a list of, and the fields with such numbers."""


def _require_sizes(values: Mapping[str, Any], source: str) -> None:
    """Refuse sizes that would take all memory before transformers rejects them.

    Raises:
        UsageError: there is one; the message names the field.
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            _require_sizes(value, source)
        most = _MOST_ITEMS if _COUNTS.search(str(name)) else MOST
        if isinstance(value, int) and abs(value) > most:
            raise UsageError(
                f"{source}: {name} must be at most {most:,}, got {shortened(str(value))}"
            )
