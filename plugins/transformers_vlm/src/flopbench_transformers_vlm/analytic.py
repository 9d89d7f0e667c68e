"""Closed forms of models that read images: a tower by its family, then the language model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Self

from attrs import evolve

from flopbench import AnalyticModel, Op, Size, Stage, UsageError
from flopbench.dims import DEFAULT_DTYPE, Dim
from flopbench.errors import unknown
from flopbench.inputs import Page, config_path, read_config_json, read_page
from flopbench.storage import Storage
from flopbench_transformers_lm.analytic import DECODING, NOT_PRICED, HfModel, dtype_of
from flopbench_transformers_vlm.config import VlConfig, VlOptions, read_config
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.presets import presets
from flopbench_transformers_vlm.processors import FILES
from flopbench_transformers_vlm.reading import UnreadableError, reading
from flopbench_transformers_vlm.workload import Cut, Inputs, View, Workload, together

PREFIX = "vl/"

SCATTERED = (
    "vision and language model are priced and called apart; between them features take the places "
    "of image tokens in the prompt, which multiplies nothing and is left out"
)
_SOME_VIEW = View(1, 4, 4)
"""What closed forms are tried on: whether there are some is no question of the page."""

TABLES = (
    "not priced: resizing tables of positions to an image's grid, and moving features to another "
    "order, as windows and pixel shuffle do"
)


class VlModel(AnalyticModel):
    """A model of transformers that reads images and writes text, defined by its config."""

    name = PREFIX + "*"
    summary = "a vision-language or OCR model of transformers: closed forms and vendor"
    reads_beside = (*HfModel.reads_beside, *FILES)
    options_type = VlOptions
    inputs_type = Inputs
    defaults = Path(__file__).with_name("default.yaml")
    stages = (
        Stage("vision", "Vision"),
        Stage("prefill", "Prefill"),
        Stage("decode", "Decode"),
        Stage("vision_prefill", "Vision + prefill", parts=("vision", "prefill")),
        Stage("end2end", "End to end", parts=("vision", "prefill", "decode")),
    )
    first_token = ("vision", "prefill")
    per_token = "decode"  # noqa: S105 - a stage, no password
    parts: ClassVar[Mapping[str, str]] = {
        "vision": "vision",
        "decoder": "decoder",
        "lm_head": "LM head",
    }
    sizes = (
        Size("B", "prompts at once (batch size)", batch=True),
        Size("S", "context tokens of the prefill"),
        Size("K", "decode steps", steps=True),
        Size("M", "tokens that the decoder reads by cross-attention"),
        Size("n", "tiles of a page, its overview included"),
        Size("h", "rows of cells of a page"),
        Size("w", "columns of cells of a page"),
    )

    def __init__(self, config: VlConfig, *, dtype: str = DEFAULT_DTYPE) -> None:
        self._config = config
        self.dtype = dtype
        family = self._family_class(config)
        self._reading = partial(reading, config.model_type, config.values, family.defaults)
        with self._reading():
            self._family = family(config)
        self._language = HfModel(self._family.text_config, dtype=dtype)

    @classmethod
    def known_names(cls) -> list[str]:
        """Return the published models, and the types without one, which have names, too."""
        from flopbench_transformers_vlm.families import FAMILIES

        published = {each.model_type for each in presets().values()}
        return [PREFIX + name for name in sorted({*presets(), *FAMILIES} - published)]

    @classmethod
    def for_name(cls, name: str) -> type[Self]:
        made = super().for_name(name)
        family = family_class(type_of(name))
        made.summary = f"{family.source}: closed forms and vendor"
        made.parts = {**cls.parts, **family.parts}
        return made

    @classmethod
    def _family_class(cls, config: VlConfig) -> type[Family]:
        named = type_of(cls.name)
        return family_class(config.model_type if named == "*" else named)

    @classmethod
    def for_file(cls, path: Path) -> str | None:
        from flopbench_transformers_vlm.families import FAMILIES

        kind = read_config_json(config_path(str(path))).get("model_type")
        return f"{PREFIX}{kind}" if isinstance(kind, str) and kind in FAMILIES else None

    @classmethod
    def from_options(cls, options: VlOptions) -> VlModel:
        named, kind = cls.name.removeprefix(PREFIX), type_of(cls.name)
        if named in presets():
            options = evolve(options, preset=options.preset or named)
        config = read_config(kind, options, family_class(kind))
        dtype, note = (options.dtype, None) if options.dtype else dtype_of(config.language)
        notes = config.notes if note is None else (*config.notes, note)
        return cls(evolve(config, notes=notes), dtype=dtype)

    @property
    def storage(self) -> Storage:
        return self._language.storage

    @property
    def architecture(self) -> VlConfig:
        return self._config

    @property
    def no_closed_forms(self) -> str | None:
        return self._not_covered

    @cached_property
    def _not_covered(self) -> str | None:
        from flopbench_transformers_lm.families.fields import NotCoveredError

        try:
            with self._reading():
                list(self._family.vision((_SOME_VIEW,)))
                return self._family.text_not_covered(self._language)
        except (NotCoveredError, UnreadableError) as error:
            return str(error)

    @property
    def max_positions(self) -> int | None:
        return self._language.max_positions

    def workload(self, inputs: Inputs) -> Workload:
        if inputs.images is None:
            pages = [read_page(inputs.image)]
        else:
            pages = [
                read_page(image, f"workload.images[{number}]")
                for number, image in enumerate(inputs.images)
            ]
        self._family.require_images(self.name, len(pages))
        cut = together(self._cut(page) for page in pages)
        return self._family.workload(
            cut,
            batch_size=inputs.batch_size,
            prompt_tokens=inputs.prompt_tokens,
            decode_steps=inputs.decode_steps,
            lm_head=inputs.lm_head,
            pages=tuple(pages),
        )

    def _cut(self, page: Page) -> Cut:
        from flopbench_transformers_lm.families.fields import NotCoveredError

        try:
            with self._reading():
                return self._family.cut(page.width, page.height)
        except NotCoveredError as error:
            raise UsageError(f"{self.name} has no rule for tokens of a page: {error}") from error

    def workload_facts(self, workload: Workload) -> Mapping[str, Any]:
        pages = [
            {"source": page.source, "width": page.width, "height": page.height}
            for page in workload.pages
        ]
        shown = {"page": pages[0]} if len(pages) == 1 else {"pages": pages}
        return {
            **shown,
            "views": [{"count": v.count, "rows": v.rows, "cols": v.cols} for v in workload.views],
            "image_tokens": workload.image_tokens,
            "separators": workload.separators,
            "context_tokens": workload.context_tokens,
            **({} if workload.memory is None else {"memory_tokens": workload.memory}),
        }

    def notes(self) -> tuple[str, ...]:
        return (*self._config.notes, *self._language.notes())

    def assumptions(self) -> tuple[str, ...]:
        if self.no_closed_forms is not None:  # they depend on fields that are not understood
            return (SCATTERED, DECODING)
        return (*self._family.assumptions(SCATTERED), DECODING, TABLES, NOT_PRICED)

    def ops(self, stage: str, workload: Workload) -> Iterator[Op]:
        if self.no_closed_forms is not None:
            raise UsageError(f"model {self.name!r}: {self.no_closed_forms}")
        if stage == "vision":
            yield from self._family.vision(workload.all_views)
        else:
            yield from self._family.text(self._language, stage, workload)

    def stage_sizes(self, stage: str, workload: Workload) -> Mapping[str, Dim]:
        if stage == "vision":
            return self._family.open_sizes(workload)
        sizes = self._family.text_sizes(workload)
        return sizes | ({"K": workload.decode_steps} if stage == "decode" else {})

    def stage_workload(self, stage: str, workload: Workload, sizes: Mapping[str, Dim]) -> Workload:
        if stage == "vision":
            return Workload(
                batch_size=sizes.get("B", workload.batch_size),
                views=self._family.open_views(workload.views, sizes),
            )
        return Workload(
            batch_size=sizes["B"],
            context=sizes["S"],
            memory=sizes.get("M"),
            decode_steps=sizes.get("K", 1),
            lm_head=workload.lm_head,
        )

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        return self._language.layer_names(component, role)


def type_of(name: str) -> str:
    """Return the type of a model, which may be named by its type or as a published model."""
    named = name.removeprefix(PREFIX)
    return presets()[named].model_type if named in presets() else named


def family_class(kind: str) -> type[Family]:
    """Return the family of a model type.

    Raises:
        UsageError: there is none.
    """
    from flopbench_transformers_vlm.families import FAMILIES

    if kind not in FAMILIES:
        known = [PREFIX + each for each in (*FAMILIES, *presets())]
        raise UsageError(unknown("vision-language model", PREFIX + kind, known))
    return FAMILIES[kind]
