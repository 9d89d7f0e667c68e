"""A page's workload: images, the views that a tower sees, and the tokens of a prompt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, as_dim, dim_field
from flopbench.inputs import Page
from flopbench_transformers_lm.workload import Workload as LmWorkload

LmHead = Literal["all", "last"]
Image = str | tuple[int, ...]


def _at_least(low: int, default: int) -> int:
    value: int = attrs.field(default=default, validator=attrs.validators.ge(low))
    return value


@frozen(kw_only=True)
class Inputs:
    """What a user may set under ``workload.``.

    Attributes:
        image: a PNG or JPEG file, or [width, height] in pixels; None means the sample page.
        images: several images or pages of one prompt, in place of ``image``.
        prompt_tokens: text tokens of the prompt, special tokens included.
        decode_steps: tokens generated after the prefill.
        batch_size: prompts processed at once.
        lm_head: positions of the prefill that the LM head runs on.
    """

    image: Image | None = None
    images: tuple[Image, ...] | None = attrs.field(default=None)
    prompt_tokens: int = _at_least(0, 10)
    decode_steps: int = _at_least(1, 100)
    batch_size: int = _at_least(1, 1)
    lm_head: LmHead = "all"

    @images.validator
    def _some(self, _attribute: object, images: tuple[Image, ...] | None) -> None:
        if images is None:
            return
        if not images:
            raise ValueError("'images' must be a list of at least one image: []")
        if self.image is not None:
            raise ValueError("'image' and 'images' are both given: leave out one of the two")

    @property
    def unused_keys(self) -> tuple[str, ...]:
        """Names of the keys that have no effect."""
        return ("image",) if self.images is not None else ("images",)


@frozen(eq=False)
class View:
    """``count`` equal images that pass through a tower: an image, its tiles, or its overview.

    Attributes:
        rows, cols: its size in cells: what becomes one token.
        spare: rows and columns of patches beyond the last cell, which become no token.
    """

    count: Dim = dim_field()
    rows: Dim = dim_field()
    cols: Dim = dim_field()
    spare: tuple[int, int] = (0, 0)

    @property
    def tokens(self) -> Dim:
        """Cells of one of them."""
        return self.rows * self.cols


@frozen
class Cut:
    """What an image becomes.

    Attributes:
        views: what the tower sees of it.
        tokens: positions of the prompt that take vision features.
        separators: further positions of the prompt: what begins, ends and separates those.
    """

    views: tuple[View, ...]
    tokens: int
    separators: int = 0


@frozen(kw_only=True, eq=False)
class Workload:
    """Everything that a model's FLOPs depend on; dimensions may be arrays or symbols.

    Attributes:
        views: what the tower sees of all images of one prompt.
        image_tokens: positions of one prompt that take vision features.
        separators: positions that begin, end or separate them.
        context: tokens of the prefill, if not those of the images and the prompt.
        memory: tokens of an encoder that the decoder reads by cross-attention; None if it does not.
        pages: the images that the sizes come from, if any; FLOPs do not depend on them.
    """

    batch_size: Dim = dim_field(default=1)
    views: tuple[View, ...] = ()
    image_tokens: Dim = dim_field(default=0)
    separators: Dim = dim_field(default=0)
    prompt_tokens: Dim = dim_field(default=0)
    decode_steps: Dim = dim_field(default=100)
    lm_head: LmHead = "all"
    context: Dim | None = attrs.field(default=None, converter=attrs.converters.optional(as_dim))
    memory: Dim | None = attrs.field(default=None, converter=attrs.converters.optional(as_dim))
    pages: tuple[Page, ...] = ()

    @property
    def all_views(self) -> tuple[View, ...]:
        """What the tower sees of all prompts."""
        return tuple(attrs.evolve(v, count=v.count * self.batch_size) for v in self.views)

    @property
    def text(self) -> LmWorkload:
        """The workload of a language model that reads the prompt and its images."""
        return LmWorkload(
            batch_size=self.batch_size,
            context_tokens=self.context_tokens,
            decode_steps=self.decode_steps,
            lm_head=self.lm_head,
        )

    @property
    def prompt(self) -> Dim:
        """Tokens of one prompt, those of its images included."""
        return self.image_tokens + self.separators + self.prompt_tokens

    @property
    def context_tokens(self) -> Dim:
        """Tokens of the prefill: those of the prompt, unless given."""
        return self.prompt if self.context is None else self.context


def together(cuts: Iterable[Cut]) -> Cut:
    """Return what several images of one prompt become; equal views are counted together."""
    found: dict[tuple[Dim, Dim, tuple[int, int]], Dim] = {}
    tokens = separators = 0
    for cut in cuts:
        tokens, separators = tokens + cut.tokens, separators + cut.separators
        for view in cut.views:
            size = (view.rows, view.cols, view.spare)
            found[size] = found.get(size, 0) + view.count
    views = tuple(View(count, *size) for size, count in found.items())
    return Cut(views, tokens, separators)
