"""DeepSeek-OCR's workload: from a page or explicit sizes to views, tokens and steps."""

from __future__ import annotations

from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, as_dim, dim_field
from flopbench.inputs import Page

VIEW_SIZES = {"tiny": 512, "small": 640, "base": 1024, "large": 1280, "gundam": 1024}
"""Side of the global view of each mode, in pixels (README of deepseek-ai/DeepSeek-OCR)."""

TILE_SIZE = 640
PIXELS_PER_TOKEN = 64
"""Pixels per side of an image token: SAM's patches of 16, reduced 4 times per side."""

Mode = Literal["tiny", "small", "base", "large", "gundam"]
LmHead = Literal["all", "last"]


def _at_least(low: int, default: int) -> int:
    value: int = attrs.field(default=default, validator=attrs.validators.ge(low))
    return value


@frozen(kw_only=True)
class Tiling:
    """How a page is cut: into ``fewest`` to ``most`` tiles of ``size`` x ``size`` pixels."""

    size: int = TILE_SIZE
    fewest: int = 2
    most: int = 9


@frozen(kw_only=True)
class CropGrid:
    """A grid of tiles."""

    rows: int = attrs.field(validator=attrs.validators.ge(1))
    cols: int = attrs.field(validator=attrs.validators.ge(1))


@frozen(kw_only=True)
class Inputs:
    """What a user may set under ``workload.``.

    Attributes:
        image: a PNG or JPEG file, or [width, height] in pixels; None means the sample page.
        mode: the image mode.
        base_size: side of the global view in pixels, in place of the mode's.
        tile_size: side of a tile in pixels (mode gundam), in place of 640. With 1,024, and a
            ``base_size`` of 1,280, this is Gundam-M (arXiv:2510.18234).
        crop_grid: an explicit grid of tiles in place of an image (mode gundam).
        prompt_tokens: text tokens of the prompt, special tokens included.
        decode_steps: tokens generated after the prefill.
        batch_size: pages processed at once.
        lm_head: positions of the prefill that the LM head runs on.
    """

    image: str | tuple[int, ...] | None = None
    mode: Mode = "gundam"
    base_size: int | None = attrs.field(default=None)
    tile_size: int | None = attrs.field(default=None)
    crop_grid: CropGrid | None = None
    prompt_tokens: int = _at_least(0, 10)
    decode_steps: int = _at_least(1, 100)
    batch_size: int = _at_least(1, 1)
    lm_head: LmHead = "all"

    @property
    def unused_keys(self) -> tuple[str, ...]:
        """Names of the keys that have no effect."""
        return tuple(name for name in ("base_size", "tile_size") if getattr(self, name) is None)

    @base_size.validator
    @tile_size.validator
    def _of_whole_tokens(self, attribute: Any, size: int | None) -> None:
        if size is not None and (size < PIXELS_PER_TOKEN or size % PIXELS_PER_TOKEN):
            raise ValueError(
                f"{attribute.name!r} must be a multiple of {PIXELS_PER_TOKEN} pixels, as many as "
                f"the side of an image token: {size}"
            )

    @tile_size.validator
    def _of_tiles(self, _attribute: Any, size: int | None) -> None:
        if size is not None and self.mode != "gundam":
            raise ValueError(f"'tile_size' needs mode=gundam, got mode {self.mode!r}")


@frozen(eq=False)
class View:
    """``count`` square images of ``size`` x ``size`` pixels, stacked on the batch axis."""

    size: Dim = dim_field()
    count: Dim = dim_field()

    @property
    def tokens(self) -> Dim:
        """Number of features that the vision tower computes from one image."""
        side = self.size // PIXELS_PER_TOKEN
        return side * side


@frozen(kw_only=True, eq=False)
class Workload:
    """Everything that DeepSeek-OCR's FLOPs depend on; dimensions may be arrays or symbols.

    Attributes:
        view_size: side of the global view, in pixels.
        tile_rows, tile_cols: the grid of tiles of one page; 0 for none.
        newline_rows: rows of tiles whose tokens end in newlines, if not those of the grid: a law
            leaves the number of tiles open, and has the rows of the page that it is of.
        context: tokens of the prefill, if not those of the page and the prompt.
        page: the page that the sizes come from, if any; FLOPs do not depend on it.
    """

    batch_size: Dim = dim_field(default=1)
    view_size: Dim = dim_field(default=1024)
    tile_rows: Dim = dim_field(default=0)
    tile_cols: Dim = dim_field(default=0)
    tile_size: Dim = dim_field(default=TILE_SIZE)
    prompt_tokens: Dim = dim_field(default=10)
    decode_steps: Dim = dim_field(default=100)
    lm_head: LmHead = "all"
    context: Dim | None = attrs.field(default=None, converter=attrs.converters.optional(as_dim))
    newline_rows: Dim | None = None
    page: Page | None = None

    def __attrs_post_init__(self) -> None:
        for size in (self.view_size, self.tile_size):
            if isinstance(size, int) and size % PIXELS_PER_TOKEN:
                raise ValueError(
                    f"a view must be a multiple of {PIXELS_PER_TOKEN} pixels, got {size}"
                )

    @property
    def tiles(self) -> Dim:
        """Tiles of one page."""
        return self.tile_rows * self.tile_cols

    @property
    def views(self) -> tuple[View, ...]:
        """The images that the vision tower sees: the global views, then the tiles, if any."""
        views = (View(self.view_size, self.batch_size),)
        if isinstance(self.tiles, int) and not self.tiles:
            return views
        return (*views, View(self.tile_size, self.batch_size * self.tiles))

    @property
    def image_tokens(self) -> Dim:
        """Tokens of one page: a newline ends each row of tokens, a separator the global view."""
        side = self.view_size // PIXELS_PER_TOKEN
        tile_side = self.tile_size // PIXELS_PER_TOKEN
        tiles = (tile_side * self.tile_rows) * (tile_side * self.tile_cols + 1)
        return side * (side + 1) + 1 + tiles

    @property
    def separators(self) -> Dim:
        """Image tokens of one page that are not features: newlines, and one separator."""
        tile_side = self.tile_size // PIXELS_PER_TOKEN
        rows = self.tile_rows if self.newline_rows is None else self.newline_rows
        return self.view_size // PIXELS_PER_TOKEN + 1 + tile_side * rows

    @property
    def context_tokens(self) -> Dim:
        """Tokens of the prefill: those of the image and the prompt, unless given."""
        return self.image_tokens + self.prompt_tokens if self.context is None else self.context

    @property
    def head_rows(self) -> Dim:
        """Positions of one sequence's prefill that the LM head runs on."""
        return self.context_tokens if self.lm_head == "all" else 1
