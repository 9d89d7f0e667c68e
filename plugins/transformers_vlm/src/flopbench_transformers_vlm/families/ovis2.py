"""Ovis 2: tiles and an overview, AIMv2's tower, and probabilities of visual words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flopbench import Elementwise, Linear, Op
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    PatchStem,
    Positions,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM, RMS
from flopbench_transformers_vlm.families.tiles import CroppedFamily, grids_of
from flopbench_transformers_vlm.workload import Cut, View

_MOST = 1_000
"""Tiles, at most: each grid is measured part by part, in transformers as here."""

_COVERED = 0.9
"""Part of a page's area that tiles should show without reducing it."""


class Ovis2(CroppedFamily):
    """Ovis 2 (arXiv:2405.20797): features are averages of the vectors of visual words."""

    source = "Ovis 2 (arXiv:2405.20797)"
    processor = "Ovis2ImageProcessor"

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model's processor cuts pages into tiles."""
        return {"crop_to_patches": True, **super().settings(values)}

    @property
    def _side(self) -> int:
        return self.config.vision.size("image_size") // self.config.vision.size("patch_size")

    @property
    def tile(self) -> tuple[int, int]:
        stride = self.config.vision.size("hidden_stride")
        if self._side % stride:
            right = f"divisors of the {self._side} patches per side of a tile"
            raise self.config.vision.refused("hidden_stride", right)
        cells = self._side // stride
        return cells, cells

    def cut(self, width: int, height: int) -> Cut:
        """Return the overview and tiles; a token is before and after it, one between tiles."""
        settings = self.config.settings
        if not settings.flag("use_covering_area_grid"):
            found = super().cut(width, height)
            view = found.views[0]
        else:
            most = settings.parts("max_patches", _MOST) if self.crops else 1
            (high, _) = settings.pair("size", "height", "width")
            tiles = covering_grid(width, height, high, most)
            self.require_tiles(width, height)
            view = View(tiles + (tiles > 1), *self.tile)
        count = int(view.count)
        return Cut((view,), int(count * view.tokens), separators=3 + max(count - 2, 0))

    def tiles(self, count: Dim) -> Iterator[Op]:
        fields, site, side = self.config.vision, Site("vision"), self._side
        width, stem, patches = fields.width, site.at("patch_embed"), side * side
        rows = count * patches
        yield from PatchStem(
            in_channels=fields.size("num_channels"),
            width=width,
            patch_size=fields.size("patch_size"),
        ).ops(stem, count, side)
        yield RMS.op(stem, rows, width)
        yield from Positions(width=width, entries=patches).ops(stem, count, patches)
        attention = EncoderAttention(
            width=width,
            heads=fields.heads,
            head_dim=fields.shared_head_dim,
            bias=fields.flag("qkv_bias"),
        )
        mlp = GatedMlp(
            width=width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation(),
            bias=fields.flag("mlp_bias"),
        )
        rest = EncoderLayers(mlp=mlp, norm=RMS)
        layers = Encoder(layers=fields.layers, attention=attention, rest=rest)
        yield from layers.ops(site, self.segments(count, patches))
        yield RMS.op(site.at("norm"), rows, width)
        yield from self._words(site, count)

    def _words(self, site: Site, count: Dim) -> Iterator[Op]:
        """Yield the probability of each visual word, and the average of the words' vectors."""
        fields, whole = self.config.vision, self.config.whole
        fields.expect(tokenize_function="softmax")
        for name in ("hidden_size", "vocab_size"):
            if whole.get(name) != self.config.language.get(name):
                raise whole.refused(name, f"{self.config.language.get(name)}, as in text_config")
        rows, cols = self.tile
        tokens, words = count * rows * cols, fields.size("vocab_size")
        seen = words - fields.size("num_visual_indicator_tokens")
        wide = fields.width * fields.size("hidden_stride") ** 2
        place = site.at("head")
        yield place.op(Linear, rows=tokens, in_features=wide, out_features=seen)
        yield LAYER_NORM.op(place, tokens, seen)
        yield place.op(Elementwise, function="softmax", outputs=tokens * seen)
        # Words that separate tiles are never seen: their probabilities are zeros.
        yield site.at("projector").op(
            Linear, rows=tokens, in_features=words, out_features=whole.width
        )


def covering_grid(width: int, height: int, tile: int, most: int) -> int:
    """Return the number of tiles of the smallest grid that shows most of a page unreduced.

    Of grids with as many tiles, the one that shows most of it wins; if none shows enough, the one
    that shows most.

    Source: ``get_min_tile_covering_grid`` of Ovis 2 in transformers.
    """
    shown = {}
    for grid in grids_of(1, most):
        parts = _parts(height, grid[0]), _parts(width, grid[1])
        areas = (_shown(wide, high, tile) for high in parts[0] for wide in parts[1])
        shown[grid] = sum(areas) / (width * height)
    enough = [grid for grid, part in shown.items() if part > _COVERED]
    if enough:
        best = min(enough, key=lambda grid: (grid[0] * grid[1], -shown[grid]))
    else:
        best = min(shown, key=lambda grid: (-shown[grid], grid[0] * grid[1]))
    return best[0] * best[1]


def _parts(side: int, count: int) -> list[int]:
    """Return the lengths of the parts of a side; the last has what is left over."""
    usual = side // count
    return [*([usual] * (count - 1)), side - usual * (count - 1)]


def _shown(width: int, height: int, tile: int) -> float:
    """Return the area of a part of a page once its longer side is no longer than a tile's."""
    long, short = max(width, height), min(width, height)
    return short / long * tile * tile if long > tile else long * short


FAMILIES = {"ovis2": Ovis2}
