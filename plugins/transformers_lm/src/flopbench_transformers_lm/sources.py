"""Where a config comes from, and which language model of transformers it describes.

A ``config.json`` may be of a type that transformers knows under another name, or of a model of
which the language model is only a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.inputs import config_path, read_config
from flopbench_transformers_lm.config import LmConfig, all_values, built
from flopbench_transformers_lm.model_types import (
    ALIASES,
    PREFIX,
    alias_of,
    causal_lm_types,
    config_types,
    multimodal_types,
    unknown_type,
)

_PARTS = ("text_config", "llm_config", "language_config", "language_model_config")
"""Fields under which checkpoints' own code keeps the config of the language model."""

_SPEAKING = {"qwen2_5_omni": "thinker_config", "qwen3_omni_moe": "thinker_config"}
"""Types that also generate sound: the field with the config of what generates text."""


_NO_DTYPE = (("torch_dtype", "auto"), ("dtype", "auto"))
"""What says that a loader may choose; transformers' config classes do not take it."""


@frozen
class Given:
    """Fields of a config as they were given, before transformers fills in the rest.

    Attributes:
        model_type: the type that they are said to be of.
        values: the fields.
        source: where they come from, for errors.
        notes: what was done to find them.
    """

    model_type: str
    values: Mapping[str, Any]
    source: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: str, file: str | None, *, as_named: bool = False) -> Given:
        """Return the fields in a file, or none, for the type in a model's name.

        Raises:
            UsageError: the file cannot be read, or describes another type.
        """
        if file is None:
            return cls(asked, {}, f"the defaults of {asked}")
        path = config_path(file)
        values, source = read_fields(path), f"model.config={path}"
        found = values.get("model_type", asked)
        if not isinstance(found, str):
            raise UsageError(f"{source}: model_type must be text, such as {asked!r}: {found!r}")
        if not as_named:
            given = cls(found, values, source)
            if alias_of(asked) not in (alias_of(found), *given.inner_types):
                raise UsageError(
                    f"{source} is of model type {found!r}, not {asked!r}: run {PREFIX}{found}, or "
                    "set model.as_named=true if it has the same architecture"
                )
            return given
        note = f"a file of type {found!r} was run as {asked!r}, as model.as_named asks"
        return cls(asked, values, source, () if asked == found else (note,))

    @property
    def inner_types(self) -> tuple[str, ...]:
        """Types of the language model that is a part of the model."""
        return tuple(alias_of(part.model_type) for part in self.parts)

    @property
    def parts(self) -> tuple[Given, ...]:
        """The language models in it, if their fields say their types."""
        found = ((name, self.values.get(name)) for name in _PARTS)
        return tuple(
            Given(part["model_type"], part, f"{self.source} ({name})")
            for name, part in found
            if isinstance(part, Mapping) and isinstance(part.get("model_type"), str)
        )

    def with_overrides(self, overrides: Mapping[str, Any], config: LmConfig) -> Given:
        """Return the fields with others in their place.

        A field that only the decoder of ``config`` has goes to the part that describes it.
        """
        values, source = self.values, f"{self.source} with model.overrides"
        inner = self._part_name(config)
        for name, value in overrides.items():
            own = inner is None or name in values or name in _fields(self, config)
            where = {name: value} if own else {inner: {name: value}}
            values = _merge(values, where)  # type: ignore[arg-type]
        return attrs.evolve(self, values=values, source=source)

    def resolved(self) -> LmConfig:
        """Return the complete config of the language model that the fields describe.

        Raises:
            UsageError: transformers has no such model, or rejects a value.
        """
        kind, notes = alias_of(self.model_type), self.notes
        if self.model_type in ALIASES:
            sizes = "" if self.values else f"; without a file, its sizes are the defaults of {kind}"
            reason = ALIASES[self.model_type][1]
            notes += (f"{self.model_type} runs as {kind}: {reason}{sizes}",)
        if kind in _SPEAKING:
            return self._silent(kind, notes)
        if kind not in (*causal_lm_types(), *multimodal_types()):
            return self._alone(notes)
        _require_architecture(kind, self)
        whole = built(kind, _with_known_types({**self.values, "model_type": kind}), self.source)
        _require_decoder_only(kind, whole)
        text = whole.get_text_config(decoder=True)
        notes += _quantised(whole)
        if text is whole or not _is_part(kind, text.model_type):
            return LmConfig(kind, all_values(whole), notes=notes)
        notes = (_left_out(self, text), *notes)
        inner = LmConfig(text.model_type, {**all_values(text), **_ruled_by(whole)}, notes=notes)
        if text.model_type in causal_lm_types():
            return inner
        return LmConfig(kind, all_values(whole), inner, notes)

    def _silent(self, kind: str, notes: tuple[str, ...]) -> LmConfig:
        """Return the language model of what generates text in a model that also speaks."""
        name = _SPEAKING[kind]
        thinker = self.values.get(name) or {}
        inner = f"{kind}_{name.removesuffix('_config')}"
        return Given(inner, thinker, f"{self.source} ({name})", notes).resolved()

    def _alone(self, notes: tuple[str, ...]) -> LmConfig:
        """Return the language model of a type that transformers has no class for."""
        for part in self.parts:
            found = attrs.evolve(part, notes=notes).resolved()
            return attrs.evolve(found, notes=(_left_out(self, found), *found.notes))
        raise unknown_type(self.model_type)

    def _part_name(self, config: LmConfig) -> str | None:
        """Return the field that holds the decoder's config; None if it is the whole model's."""
        if alias_of(self.model_type) == config.model_type and config.language is None:
            return None
        return next((name for name in _PARTS if name in self.values), _PARTS[0])


def read_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a config.json.

    Raises:
        UsageError: the file cannot be read, or holds something else.
    """
    values: dict[str, Any] = _with_floats(read_config(path))
    # Code that comes with a checkpoint is never run, only transformers' own classes.
    values.pop("auto_map", None)
    return {n: v for n, v in values.items() if (n, v) not in _NO_DTYPE}


def _with_floats(found: Any) -> Any:
    """Return a value with the infinities and NaNs that transformers writes as objects."""
    if isinstance(found, list):
        return [_with_floats(each) for each in found]
    if not isinstance(found, dict):
        return found
    text = found.get("__float__")
    if len(found) == 1 and isinstance(text, str) and text in ("Infinity", "-Infinity", "NaN"):
        return float(text)
    return {name: _with_floats(value) for name, value in found.items()}


def _fields(given: Given, config: LmConfig) -> Mapping[str, Any]:
    """Return the fields of the whole model."""
    kind = alias_of(given.model_type)
    if kind == config.model_type:
        return config.values
    return all_values(built(kind, {}, given.source)) if kind in config_types() else {}


def _with_known_types(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields in which the types of parts are those that transformers knows."""
    known = dict(values)
    for name in _PARTS:
        part = known.get(name)
        if isinstance(part, Mapping) and isinstance(part.get("model_type"), str):
            known[name] = {**part, "model_type": alias_of(part["model_type"])}
    return known


def _is_part(kind: str, text_type: str) -> bool:
    """Return whether the text config of a model is the config of a language model in it."""
    return text_type != kind and (kind in multimodal_types() or text_type in causal_lm_types())


def _left_out(given: Given, text: Any) -> str:
    return (
        f"{given.model_type} is more than a language model: only its language model "
        f"({text.model_type}) was run, on text; what encodes images or sound is not in the numbers"
    )


def _ruled_by(whole: Any) -> dict[str, Any]:
    """Return the fields that transformers reads from the whole model's config, not its part's."""
    values = whole.to_dict()
    names = ("tie_word_embeddings", "dtype")
    return {name: values[name] for name in names if values.get(name) is not None}


def _quantised(config: Any) -> tuple[str, ...]:
    """Say what a quantised checkpoint changes: the bytes, not the products."""
    found = getattr(config, "quantization_config", None)
    if not found:
        return ()
    method = found.get("quant_method") if isinstance(found, Mapping) else found.quant_method
    note = (
        f"the file says that its weights are quantised ({method or 'method not named'}): FLOPs "
        "are those of the same products; bytes are those of model.dtype, which is not quantised"
    )
    return (note,)


def _require_architecture(kind: str, given: Given) -> None:
    """Refuse a config that is of a type by its name alone.

    Raises:
        UsageError: it switches off what transformers' class for the type always has.
    """
    if kind in ("deepseek_v2", "deepseek_v3") and given.values.get("use_mla") is False:
        raise UsageError(
            f"{given.source}: use_mla=false, but transformers' {kind} always has latent attention; "
            "DeepSeek-OCR, which has none, is `flopbench run deepseek_ocr`"
        )


def _require_decoder_only(kind: str, whole: Any) -> None:
    """Refuse a model that generates text from the states of an encoder.

    Raises:
        UsageError: the type has no decoder that runs on text alone.
    """
    if whole.is_encoder_decoder and kind not in causal_lm_types():
        raise UsageError(
            f"{kind} has an encoder and a decoder that reads its states: hf/ models run decoders "
            "on text alone"
        )


def _merge(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the overrides into the values, field by field where both hold a sub-config."""
    merged = dict(values)
    for key, value in overrides.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged
