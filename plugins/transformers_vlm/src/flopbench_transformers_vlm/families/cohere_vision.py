"""Aya Vision and Command A Vision: tiles and a thumbnail, SigLIP, pixel shuffle and SwiGLU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flopbench import Elementwise, Linear, Op
from flopbench.blocks import Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.clip import ClipTower, require_layers, shuffled
from flopbench_transformers_vlm.families.tiles import CroppedFamily, grids_of
from flopbench_transformers_vlm.workload import Cut, View


class Cohere2Vision(CroppedFamily):
    """Command A Vision: pages are cut into the grid that they fit best."""

    source = "Command A Vision (huggingface.co/CohereLabs/command-a-vision-07-2025)"
    normed: ClassVar[bool] = False
    """Whether the projector begins with a norm."""

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The models' processors cut pages into tiles."""
        return {"crop_to_patches": True, **super().settings(values)}

    @property
    def _tower(self) -> ClipTower:
        return ClipTower.of(self.config.vision)

    @property
    def tile(self) -> tuple[int, int]:
        return shuffled(self.config.whole, "downsample_factor", self._tower.side)

    def cut(self, width: int, height: int) -> Cut:
        """Return tiles and a thumbnail; a line break ends each, two tokens begin and end all."""
        tiles, (high, _) = 1, self.config.settings.pair("size", "height", "width")
        if self.crops:
            found = fitting_grid(width, height, high, self.limits[1])
            tiles = found + (found > 1)
        self.require_tiles(width, height)
        view = View(tiles, *self.tile)
        return Cut((view,), int(tiles * view.tokens), separators=2 + tiles)

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site, whole = self._tower, Site("vision"), self.config.whole
        factor, (rows, cols) = whole.size("downsample_factor"), self.tile
        if tower.side % factor or self._features != tower.side**2:
            right = f"divisors of the {tower.side} patches per side of a tile, all of them taken"
            raise whole.refused("downsample_factor", right)
        yield from tower.ops(site, count)
        place, tokens, wide = site.at("projector"), count * rows * cols, tower.width * factor**2
        text = self.config.language.get("hidden_size")
        both = whole.size("alignment_intermediate_size", text)
        if both % 2:
            raise whole.refused("alignment_intermediate_size", "even numbers", value=both)
        half = both // 2
        if self.normed:
            yield LAYER_NORM.op(place, tokens, wide)
        yield place.op(Linear, rows=tokens, in_features=wide, out_features=both, bias=True)
        for function in ("silu", "multiply"):
            yield place.op(Elementwise, function=function, outputs=tokens * half)
        yield place.op(Linear, rows=tokens, in_features=half, out_features=text, bias=True)

    @property
    def _features(self) -> int:
        """Tokens of the tower that are taken."""
        return self._tower.tokens


class AyaVision(Cohere2Vision):
    """Aya Vision (arXiv:2505.08751): the grid whose aspect ratio is nearest, and a norm."""

    source = "Aya Vision (arXiv:2505.08751)"
    normed = True

    def cut(self, width: int, height: int) -> Cut:
        """Return tiles and a thumbnail; one token begins each, two more begin and end all."""
        found = CroppedFamily.cut(self, width, height)
        return Cut(found.views, found.tokens, separators=2 + int(found.views[0].count))

    @property
    def _features(self) -> int:
        whole = self.config.whole
        strategy = whole.one_of("vision_feature_select_strategy", "full", "default")
        if not isinstance(whole.get("vision_feature_layer"), int):
            raise whole.refused("vision_feature_layer", "one layer")
        require_layers(whole, self.config.vision.layers)
        return self._tower.tokens - int(strategy == "default")


def fitting_grid(width: int, height: int, tile: int, most: int) -> int:
    """Return the number of tiles of the grid that a page fits best.

    It is the smallest that a page fits without being reduced; if there is none, the one to which
    it is reduced least. Of two that are as good, the one with fewer tiles wins.

    Source: ``get_optimal_tiled_canvas`` of Command A Vision in transformers.
    """
    grids = grids_of(1, most)
    scales = [min(cols * tile / width, rows * tile / height) for cols, rows in grids]
    if max(scales) < 1:
        chosen = scales.index(max(scales))
    else:
        chosen = scales.index(min(scale for scale in scales if scale >= 1))
    return grids[chosen][0] * grids[chosen][1]


FAMILIES = {"aya_vision": AyaVision, "cohere2_vision": Cohere2Vision}
