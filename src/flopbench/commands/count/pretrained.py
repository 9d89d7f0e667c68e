"""A model of transformers by the name of its class or type, on ``meta``, and its usual inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from flopbench.boundary import told
from flopbench.commands.count.inputs import Input
from flopbench.errors import CountError, UsageError, describe, unknown
from flopbench.inputs import read_config_json


def load_pretrained(name: str, overrides: Sequence[str], device: str = "meta") -> Any:
    """Return a model of transformers without weights, with eager attention.

    Args:
        name: a class (``ViTModel``) or a type that AutoModel knows (``vit``).
        overrides: ``model.KEY=VALUE`` sets a field of the config; ``model.config=FILE`` reads it.

    Raises:
        UsageError: there is no such model or field.
        CountError: the model cannot be built.
    """
    try:
        import transformers
    except ImportError as error:
        raise UsageError(
            "models of transformers need transformers: pip install 'flopbench[hf]'"
        ) from error
    kind, config_type = _classes(transformers, name)
    config = _config(config_type, _fields(overrides))
    import torch

    try:
        with torch.device(device):
            build = getattr(kind, "from_config", None) or kind._from_config  # noqa: SLF001 - no other way
            return build(config, attn_implementation="eager").eval()
    except Exception as error:
        raise CountError(f"transformers cannot build {name}: {told(error)}") from error


def _classes(transformers: Any, name: str) -> tuple[Any, Any]:
    mapping = transformers.models.auto.configuration_auto.CONFIG_MAPPING
    if name in mapping:
        return transformers.AutoModel, mapping[name]
    found = getattr(transformers, name, None)
    config = getattr(found, "config_class", None)
    if config is not None:
        return found, config
    if found is not None:
        raise UsageError(f"transformers:{name} has no config of its own: name a class as BertModel")
    known = [n for n in dir(transformers) if n.endswith("Model") or "For" in n]
    nearest = get_close_matches(name, [*known, *mapping.keys()], n=1) or ["BertModel"]
    raise UsageError(f"unknown model of transformers {name!r}: did you mean {nearest[0]!r}?")


def _config(config_type: Any, fields: Mapping[str, Any]) -> Any:
    try:
        config = config_type(**{k: v for k, v in fields.items() if k != "model_type"})
    except Exception as error:
        raise UsageError(f"{config_type.__name__} refuses its fields: {describe(error)}") from error
    plain = config_type()
    for field in fields:
        if not hasattr(plain, field):
            raise UsageError(unknown(f"field of {config_type.__name__}", field, vars(plain)))
    return config


def _fields(overrides: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text in overrides:
        key, given, value = text.partition("=")
        section, _, field = key.partition(".")
        if section != "model" or not field or not given:
            raise UsageError(f"a field of the config is set as model.KEY=VALUE, got {text!r}")
        if field == "config":
            fields = {**read_config_json(Path(value)), **fields}
        else:
            fields[field] = _value(value)
    return fields


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)


def usual_inputs(model: Any) -> tuple[Input, ...]:
    """Return the inputs of a model of transformers if none are given: those it calls dummies.

    Raises:
        UsageError: they are not known.
    """
    name = getattr(model, "main_input_name", "input_ids")
    config = model.config
    shape: Sequence[int] | None = None
    if name == "pixel_values":
        size = getattr(config, "image_size", None) or 224
        sides = list(size) if isinstance(size, list | tuple) else [size, size]
        shape = (1, getattr(config, "num_channels", 3), *sides)
    elif name == "input_values":
        shape = (1, 16_000)
    elif name == "input_features":
        bins = getattr(config, "num_mel_bins", 80)
        shape = (1, bins, 2 * getattr(config, "max_source_positions", 1500))
    if shape is not None:
        return (Input(name, tuple(shape)),)
    try:
        dummies = model.dummy_inputs
    except Exception as error:
        raise UsageError(f"say the inputs of {type(model).__name__} with --input") from error
    return tuple(
        Input(key, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for key, tensor in dummies.items()
        if hasattr(tensor, "shape")
    )
