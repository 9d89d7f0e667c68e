"""Where a config comes from, and which language model of transformers it describes.

A ``config.json`` may be of a type that transformers knows under another name, or of a model of
which the language model is only a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.inputs import config_path
from flopbench_transformers_lm.config import LmConfig, all_values, built
from flopbench_transformers_lm.fields_of_files import merged, read_fields
from flopbench_transformers_lm.model_types import (
    ALIASES,
    PREFIX,
    alias_of,
    causal_lm_types,
    multimodal_types,
    unknown_type,
)

_SPEAKING = ("qwen2_5_omni", "qwen3_omni_moe")
"""Types that also speak: what generates text is the part under `_THINKER`."""

_THINKER = "thinker_config"
_QUANTISED = ("quantization_config", "compression_config")
_PARTS = ("text_config", "llm_config", "language_config", "language_model_config", _THINKER)
"""Fields under which a config keeps that of its language model, or of what holds it."""


@frozen
class Given:
    """Fields of a config as they were given, before transformers fills in the rest.

    Attributes:
        model_type: the type that they are said to be of.
        values: the fields.
        source: where they come from, for errors.
        notes: what was done to find them.
        path: names of the fields that hold them in the whole file.
    """

    model_type: str
    values: Mapping[str, Any]
    source: str
    notes: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

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
                run = f"run {PREFIX}{found}, or " if _is_known(found) else ""
                raise UsageError(
                    f"{source} is of model type {found!r}, not {asked!r}: {run}set "
                    "model.as_named=true if it has the same architecture"
                )
            return given
        note = f"a file of type {found!r} was run as {asked!r}, as model.as_named asks"
        return cls(asked, values, source, () if asked == found else (note,))

    @property
    def inner_types(self) -> tuple[str, ...]:
        """Types of the language models that are a part of the model."""
        inner = (each for part in self.parts for each in part.inner_types)
        return (*(alias_of(part.model_type) for part in self.parts), *inner)

    @property
    def parts(self) -> tuple[Given, ...]:
        """The language models in it, if their fields say their types."""
        found = ((name, self.values.get(name)) for name in _PARTS)
        return tuple(
            Given(part["model_type"], part, f"{self.source} ({name})", path=(name,))
            for name, part in found
            if isinstance(part, Mapping) and isinstance(part.get("model_type"), str)
        )

    def with_overrides(self, overrides: Mapping[str, Any], before: LmConfig) -> Given:
        """Return the fields with others in their place.

        A field of the decoder goes to the part that describes it, unless the file has it beside
        that part or the whole model's value rules.

        Args:
            before: the config without them.
        """
        inner: dict[str, Any] = {}
        whole: dict[str, Any] = {}
        for name, value in overrides.items():
            ruled = name in _RULING or name in self.values or name not in before.decoder.values
            (whole if ruled or not before.part else inner)[name] = value
        for part in reversed(before.part):
            inner = {part: inner}
        values = merged(merged(self.values, inner), whole)
        return attrs.evolve(self, values=values, source=f"{self.source} with model.overrides")

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
            return self._silent(f"{kind}_thinker", notes)
        if not _is_known(kind):
            return self._alone(notes)
        _require_architecture(kind, self)
        whole = built(kind, _with_known_types({**self.values, "model_type": kind}), self.source)
        _require_decoder_only(kind, whole)
        text = whole.get_text_config(decoder=True)
        if text is not whole:  # a file may not nest them, or say another type, which nobody reads
            text.model_type = type(text).model_type or text.model_type
        notes += _half(kind, whole)
        quantisation = self.quantisation
        if text is whole or not _is_part(kind, text.model_type):
            values = all_values(whole)
            return LmConfig(kind, values, notes=notes, part=self.path, quantisation=quantisation)
        notes = (_left_out(self, text), *notes)
        values = {**all_values(text), **_ruled_by(whole)}
        part = (*self.path, _name_of(whole, text))
        inner = LmConfig(text.model_type, values, notes=notes, part=part, quantisation=quantisation)
        if text.model_type in causal_lm_types():
            return inner
        return LmConfig(kind, all_values(whole), inner, notes, inner.part, quantisation)

    @property
    def quantisation(self) -> Mapping[str, Any] | None:
        """What the fields say of quantisation, of the whole model or of its language model."""
        places = (self.values, *(part.values for part in self.parts))
        found = (place.get(name) for place in places for name in _QUANTISED)
        return next((each for each in found if each and isinstance(each, Mapping)), None)

    def _with_quantisation(self, found: LmConfig) -> LmConfig:
        """Return a part's config with what the whole says of quantisation, if it says nothing."""
        return attrs.evolve(found, quantisation=found.quantisation or self.quantisation)

    def _silent(self, kind: str, notes: tuple[str, ...]) -> LmConfig:
        """Return the language model of what generates text in a model that also speaks."""
        thinker, path = self.values.get(_THINKER) or {}, (*self.path, _THINKER)
        found = Given(kind, thinker, f"{self.source} ({_THINKER})", notes, path).resolved()
        return self._with_quantisation(found)

    def _alone(self, notes: tuple[str, ...]) -> LmConfig:
        """Return the language model of a type that transformers has no class for."""
        for part in self.parts:
            if not _is_known(part.model_type):
                continue
            path = (*self.path, *part.path)
            found = attrs.evolve(part, notes=notes, path=path).resolved()
            found = attrs.evolve(found, notes=(_left_out(self, found), *found.notes))
            return self._with_quantisation(found)
        raise unknown_type(self.model_type, typed=not self.values)


def require_effect(overrides: Mapping[str, Any], model_type: str, config: LmConfig) -> None:
    """Refuse overrides that a decoder within a model does not show.

    Args:
        config: the config with them.

    Raises:
        UsageError: there is one.
    """
    for name, value in overrides.items() if config.part else ():
        plain = isinstance(value, int | str) and name in config.decoder.values
        if plain and config.decoder.get(name) != value:
            where = "".join(f"{part}." for part in config.part)
            raise UsageError(
                f"model.overrides.{name} changes nothing in the language model of "
                f"{model_type}: name it as model.overrides.{where}{name}"
            )


def _is_known(kind: str) -> bool:
    """Return whether transformers has a class that generates text for a type."""
    known = (*causal_lm_types(), *multimodal_types(), *_SPEAKING)
    return alias_of(kind) in known


def _half(kind: str, whole: Any) -> tuple[str, ...]:
    """Say that a decoder is without its encoder."""
    if not whole.is_encoder_decoder:
        return ()
    note = (
        f"{kind} is an encoder and a decoder: only the decoder was run, without the encoder and "
        "without attention to its states"
    )
    return (note,)


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


_RULING = ("tie_word_embeddings", "dtype")
"""Fields that transformers reads from the whole model's config, not from its part's."""


def _ruled_by(whole: Any) -> dict[str, Any]:
    values = whole.to_dict()
    return {name: values[name] for name in _RULING if values.get(name) is not None}


def _name_of(whole: Any, text: Any) -> str:
    """Return the field of a config that holds its text config."""
    names: list[str] = [name for name, value in vars(whole).items() if value is text]
    return names[0] if names else _PARTS[0]


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
