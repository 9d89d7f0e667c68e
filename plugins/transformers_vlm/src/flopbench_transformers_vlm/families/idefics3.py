"""Idefics3, SmolVLM and SmolDocling: tiles and an overview, SigLIP, pixel shuffle, a product."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from flopbench import Linear, Op
from flopbench.blocks import Site
from flopbench.dims import Dim
from flopbench_transformers_vlm.families.clip import ClipTower, shuffled
from flopbench_transformers_vlm.families.tiles import TilesFamily
from flopbench_transformers_vlm.settings import Settings
from flopbench_transformers_vlm.workload import Cut, View

_LONGEST = 4096
"""Pixels of the longest side that the image processor resizes a page to, at most."""


class Idefics3(TilesFamily):
    """Idefics3 (arXiv:2408.12637), SmolVLM (arXiv:2504.05299): cells of patches become tokens."""

    source = "Idefics3 (arXiv:2408.12637)"
    processor = "Idefics3ImageProcessor"

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tiles as large as the tower's image, and pages of four times its side."""
        side = values["vision_config"]["image_size"]
        return {"max_image_size": {"longest_edge": side}, "size": {"longest_edge": 4 * side}}

    def cut(self, width: int, height: int) -> Cut:
        settings, rows, cols = self.config.settings, 0, 0
        if settings.flag("do_image_splitting"):
            if settings.flag("do_resize"):
                width, height = _resized(width, height, settings)
            rows, cols = _grid(width, height, self._tile)
        split = rows * cols > 1
        view = View(rows * cols + 1 if split else 1, *self._cells)
        separators = separators_of(rows, cols) + 3 if split else 3
        return Cut((view,), int(view.count * view.tokens), separators)

    @property
    def _tile(self) -> int:
        side, settings = self.config.settings.longest("max_image_size"), self.config.settings
        if side is None or side < self.config.vision.size("patch_size"):
            right = "a longest_edge of at least a patch"
            raise settings.refused("max_image_size", right)
        return side

    @property
    def _tower(self) -> ClipTower:
        fields = self.config.vision
        return ClipTower(fields, sized=self._tile // fields.size("patch_size"))

    @property
    def _cells(self) -> tuple[int, int]:
        return shuffled(self.config.whole, "scale_factor", self._tower.side)

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site = self._tower, Site("vision")
        yield from tower.ops(site, count)
        scale, (rows, cols) = self.config.whole.size("scale_factor"), self._cells
        if tower.side % scale:
            right = f"divisors of the {tower.side} patches per side of a tile"
            raise self.config.whole.refused("scale_factor", right)
        yield site.at("projector").op(
            Linear,
            rows=count * rows * cols,
            in_features=tower.width * scale * scale,
            out_features=self.config.language.get("hidden_size"),
        )


class SmolVlm(Idefics3):
    """SmolVLM and SmolDocling."""

    source = "SmolVLM (arXiv:2504.05299)"
    processor = "SmolVLMImageProcessor"


def separators_of(rows: int, cols: int) -> int:
    """Return how many tokens separate the tiles of a grid.

    Two begin each tile, and a line break ends each row. Before an overview follow three more: its
    two, and one that ends it; its line break is one token with that of the last row.

    Source: ``replace_image_token`` of Idefics3's processor in transformers.
    """
    return rows * (2 * cols + 1)


def _resized(width: int, height: int, settings: Settings) -> tuple[int, int]:
    """Return the size of a page whose longest side is given.

    Source: ``get_resize_output_image_size`` of Idefics3 in transformers.
    """
    longest = settings.longest("size")
    if longest is None:
        return settings.pair("size", "width", "height")
    aspect = width / height
    if width >= height:
        width, height = longest, _even(int(longest / aspect))
    else:
        width, height = _even(int(longest * aspect)), longest
    width, height = max(width, 1), max(height, 1)
    aspect = width / height
    if width >= height and width > _LONGEST:
        width, height = _LONGEST, int(_LONGEST / aspect)
    elif height > width and height > _LONGEST:
        width, height = int(_LONGEST * aspect), _LONGEST
    return max(width, 1), max(height, 1)


def _even(side: int) -> int:
    return side + side % 2


def _grid(width: int, height: int, tile: int) -> tuple[int, int]:
    """Return rows and columns of tiles: a page is resized to whole ones, its longer side first."""
    aspect = width / height
    if width >= height:
        cols = math.ceil(width / tile)
        rows = math.ceil(int(cols * tile / aspect) / tile)
    else:
        rows = math.ceil(height / tile)
        cols = math.ceil(int(rows * tile * aspect) / tile)
    return rows, cols


FAMILIES = {"idefics3": Idefics3, "smolvlm": SmolVlm}
