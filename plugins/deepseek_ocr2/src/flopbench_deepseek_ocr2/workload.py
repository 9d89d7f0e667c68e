"""DeepSeek-OCR 2's workload: views of 768 or 1024 pixels, and their tokens."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen

from flopbench.dims import Dim, dim_field
from flopbench_deepseek_ocr.workload import CropGrid, LmHead, Tiling, View, Workload

VIEW_SIZES = {"small": 768, "base": 1024, "gundam": 1024}
"""Side of the global view of each mode, in pixels (transformers' image processor)."""

TILING = Tiling(size=768, fewest=2, most=6)


@frozen(kw_only=True)
class Inputs:
    """What a user may set under ``workload.``; see DeepSeek-OCR's.

    Attributes:
        image: a PNG or JPEG file, or [width, height] in pixels; None means the sample page.
        mode: the image mode: one view of 768 or 1024 pixels, or tiles of 768 and one of 1024.
        crop_grid: an explicit grid of tiles in place of an image (mode gundam).
    """

    image: str | tuple[int, ...] | None = None
    mode: Literal["small", "base", "gundam"] = "gundam"
    crop_grid: CropGrid | None = None
    prompt_tokens: int = attrs.field(default=10, validator=attrs.validators.ge(0))
    decode_steps: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    batch_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    lm_head: LmHead = "all"


@frozen(kw_only=True, eq=False)
class Ocr2Workload(Workload):
    """A view yields as many tokens as it has patches; one separator ends the page."""

    tile_size: Dim = dim_field(default=TILING.size)

    @property
    def image_tokens(self) -> Dim:
        """Tokens of one page."""
        view, tile = View(self.view_size, 1), View(self.tile_size, 1)
        return view.tokens + self.tiles * tile.tokens + self.separators

    @property
    def separators(self) -> Dim:
        """Image tokens of one page that are not features."""
        return 1
