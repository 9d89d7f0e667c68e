"""A model's config and its image processor's settings: a preset, files, and overrides.

The config and the settings are all that closed forms and vendor share. transformers' classes define
them, and this module only reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

from flopbench import UsageError
from flopbench.errors import nearest_names, unknown
from flopbench_transformers_lm.config import (
    LmConfig,
    LmOptions,
    all_values,
    built,
    require_mapping,
)
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.misspelt import checked
from flopbench_transformers_lm.sources import Given
from flopbench_transformers_vlm.presets import Preset, preset
from flopbench_transformers_vlm.processors import (
    processor_beside,
    read_settings,
    settings_of,
)
from flopbench_transformers_vlm.reading import reading
from flopbench_transformers_vlm.settings import Settings

if TYPE_CHECKING:
    from flopbench_transformers_vlm.families.family import Family

_NEAR = 0.75
"""Similarity, by difflib, from which an unknown field counts as misspelt."""

_LETTERS = 2
"""The most letters that a misspelt field has too many, or too few."""


@frozen(kw_only=True)
class VlOptions(LmOptions):
    """What a user may set under ``model.``, besides `LmOptions`.

    Attributes:
        preset: a published model, by name; a file that is given wins.
        processor: a ``preprocessor_config.json``, a ``processor_config.json`` with an
            ``image_processor``, or the folder of one; None means the one beside the config, that of
            the preset, or the defaults of the image processor's class.
        processor_overrides: settings that replace the image processor's.
    """

    preset: str | None = None
    processor: str | None = None
    processor_overrides: Any = attrs.field(factory=dict, validator=require_mapping)


@frozen(slots=False)
class VlConfig:
    """The complete config of a model that reads images.

    Attributes:
        model_type: transformers' name for the kind of model.
        values: every field of the config, defaults filled in.
        language: the config of the language model in it.
        processor: every setting of the image processor.
        notes: what a reader of the numbers must know about where they come from.
        published: the published model that it is, if it is one.
    """

    model_type: str
    values: Mapping[str, Any]
    language: LmConfig
    processor: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    published: Preset | None = None

    @cached_property
    def whole(self) -> Fields:
        """The fields of the model."""
        return Fields(LmConfig(self.model_type, self.values))

    @cached_property
    def vision(self) -> Fields:
        """The fields of its tower."""
        return self.part("vision_config")

    def part(self, name: str) -> Fields:
        """Return the fields of a part of the model."""
        return Fields(LmConfig(f"{self.model_type} ({name})", self.values.get(name) or {}))

    @cached_property
    def settings(self) -> Settings:
        """The settings of its image processor."""
        return Settings(LmConfig(f"{self.model_type} (image processor)", self.processor))

    @property
    def whole_class(self) -> LmConfig:
        """The config from which transformers builds the whole model."""
        return LmConfig(self.model_type, self.values, language=self.language)


def read_config(name: str, options: VlOptions, family: type[Family]) -> VlConfig:
    """Return the complete config that the options describe.

    Args:
        name: of the model, without its prefix: transformers' type, unless the family has another.

    Raises:
        UsageError: transformers is not installed; a file cannot be read, is of another type or
            misspells a field; a preset does not exist; or transformers rejects a value.
    """
    published = preset(name, options.preset) if options.preset else None
    model_type = family.model_type or name
    given = _given(name, options, published, family)
    if options.overrides:
        _require_known(given, options.overrides)
        before = family.language(given)
        given = given.with_overrides(checked(options.overrides, given, before), before)
    language = family.language(given)
    whole = built(model_type, {**given.values, "model_type": model_type}, given.source)
    file = options.processor or processor_beside(options.config)
    values = all_values(whole)
    with reading(model_type, values, family.defaults):
        own, kind = family.settings(values), family.processor_of(values)
    said = {**own, **_settings(file, published)}
    processor = settings_of(kind, said, options.processor_overrides)
    return VlConfig(
        model_type,
        values=values,
        language=attrs.evolve(language.decoder, notes=()),
        processor=processor,
        notes=_notes(name, options, published, file),
        published=published,
    )


def _require_known(given: Given, overrides: Mapping[str, Any]) -> None:
    """Refuse overrides of fields that a part of the model does not have, but nearly has.

    Models also read some fields that their config classes do not declare.

    Raises:
        UsageError: there is one.
    """
    before: Any = built(given.model_type, given.values, given.source)
    for name, values in overrides.items():
        part: Any = getattr(before, str(name), None)
        known = part.to_dict() if hasattr(part, "to_dict") else {}
        if not isinstance(values, Mapping) or "model_type" in values:
            continue  # no part, or another kind of part with fields of its own
        for field in map(str, values):
            if not hasattr(part, field) and _is_misspelt(field, known):
                what = unknown(f"field of {name}", field, known)
                raise UsageError(f"model.overrides.{name}: {what}")


def _is_misspelt(field: str, known: Iterable[str]) -> bool:
    """Return whether a field is one of the known ones, but for a letter or two."""
    near = nearest_names(field, known, 1, _NEAR)
    return bool(near) and abs(len(near[0]) - len(field)) <= _LETTERS


def _given(name: str, options: VlOptions, published: Preset | None, family: type[Family]) -> Given:
    model_type = family.model_type or name
    if options.config is None and published is not None:
        return Given(model_type, published.config, f"preset {published.name}")
    if options.config is None and family.defaults:
        return Given(model_type, family.defaults, f"the defaults of {name}")
    return Given.of(model_type, options.config, as_named=bool(options.as_named))


def _settings(file: str | None, published: Preset | None) -> Mapping[str, Any]:
    if file is None:
        return published.processor if published else {}
    return read_settings(file)


def _notes(
    model_type: str, options: VlOptions, published: Preset | None, file: str | None
) -> tuple[str, ...]:
    """Say where sizes come from."""
    if published is not None and options.config is None:
        return (f"sizes of {published.name}: {published.source}",)
    notes = []
    if options.config is None:
        notes.append(
            f"sizes are the defaults of transformers' config class for {model_type}, which may be "
            "those of no published model: give model.preset or model.config"
        )
    if file is None:
        notes.append(
            "the image processor has the defaults of its class: give model.processor for those of "
            "a checkpoint"
        )
    return tuple(notes)
