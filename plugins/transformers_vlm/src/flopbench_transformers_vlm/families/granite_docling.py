"""Granite-Docling: tiles of 512 and an overview, SigLIP, and a connector with deepstack."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench import Elementwise, Linear, Op
from flopbench.blocks import Mlp, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.clip import ClipTower
from flopbench_transformers_vlm.families.idefics3 import separators_of
from flopbench_transformers_vlm.families.tiles import CroppedFamily, nearest_grid
from flopbench_transformers_vlm.workload import Cut, View

_LONGEST = 16
"""Tiles of a side, at most: the tokenizer has markers for no more."""


class GraniteDocling(CroppedFamily):
    """Granite-Docling: pixel shuffle, coarse or fine, and the features of some of the layers."""

    source = "Granite-Docling (huggingface.co/ibm-granite/granite-for-docling-500m)"
    processor = "GraniteDoclingImageProcessor"

    def cut(self, width: int, height: int) -> Cut:
        cols, rows = self._grid(width, height)
        split = cols * rows > 1
        view = View(cols * rows + split, *self.tile)
        separators = separators_of(rows, cols) + 3 * split
        return Cut((view,), int(view.count * view.tokens), separators)

    def _grid(self, width: int, height: int) -> tuple[int, int]:
        """Return columns and rows of tiles; dense pages may have more of them.

        Source: ``get_page_tile_grid`` of Granite-Docling's image processor in transformers.
        """
        settings = self.config.settings
        self.require_tiles(width, height)
        if not self.crops:
            return 1, 1
        tile, (fewest, most) = settings.pair("size", "width", "height"), self.limits
        usual = nearest_grid(width, height, tile, (fewest, most), _LONGEST)
        if not self._is_dense(width / height, usual[0] * tile[0] / width):
            return usual
        dense = settings.parts("dense_max_patches")
        return nearest_grid(width, height, tile, (fewest, dense), _LONGEST) if dense > 1 else (1, 1)

    def _is_dense(self, aspect: float, scale: float) -> bool:
        """Return whether a page gets the number of tiles of dense ones."""
        settings = self.config.settings
        if not settings.parts("dense_max_patches"):
            return False
        scales, above, below = (
            settings.number(f"dense_{name}") for name in ("max_scale", "min_aspect", "max_aspect")
        )
        if scales <= 0 and above <= 0:
            return False
        fits = (above <= 0 or aspect > above) and (below <= 0 or aspect <= below)
        return bool(fits and (scales <= 0 or scale < scales))

    @property
    def _fine(self) -> bool:
        return self.config.settings.flag("fine_route")

    @property
    def _coarse_scale(self) -> int:
        fields = self.config.vision
        return fields.size("scale_factor", least=1 + fields.flag("use_fine_route"))

    @property
    def tile(self) -> tuple[int, int]:
        scale = self._coarse_scale // 2 if self._fine else self._coarse_scale
        cells = ClipTower(self.config.vision).side // scale
        return cells, cells

    def tiles(self, count: Dim) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        if self.config.whole.get("density_router_hidden_size") is not None:
            raise self.config.whole.refused("density_router_hidden_size", "null")
        tower = ClipTower(fields)
        yield from tower.ops(site, count)
        out, place = fields.size("out_hidden_size"), site.at("projector")
        patches = count * tower.tokens
        yield LAYER_NORM.op(place, patches, tower.width)
        # The weights of the route that is not taken are there as well.
        scales = {False: self._coarse_scale}
        if fields.flag("use_fine_route"):
            scales[True] = self._coarse_scale // 2
        if self._fine not in scales:
            raise fields.refused("use_fine_route", "true, for features as fine as asked for")
        for fine, scale in scales.items():
            yield from self._route(site, scale, patches if fine == self._fine else 0)
        rows, cols = self.tile
        tokens = count * rows * cols
        yield LAYER_NORM.op(place, tokens, out)
        yield place.op(Elementwise, function="gelu", outputs=tokens * out)
        yield place.op(Linear, rows=tokens, in_features=out, out_features=out)
        yield LAYER_NORM.op(place, tokens, out)

    def _route(self, site: Site, scale: int, patches: Dim) -> Iterator[Op]:
        """Yield pixel shuffle's products, and those of the layers that deepstack takes."""
        fields, place = self.config.vision, site.at("projector")
        out, wide = fields.size("out_hidden_size"), fields.width * scale * scale
        tokens = patches // (scale * scale)
        yield place.op(Linear, rows=tokens, in_features=wide, out_features=out)
        yield place.op(Elementwise, function="add", outputs=tokens * out)
        said = fields.get("deepstack_visual_indexes")
        taken = sum(each in said for each in range(fields.layers))
        place = site.at("deepstack")
        mlp = Mlp(width=wide, inner=out, activation="gelu", bias=True, out_width=out)
        for number in range(len(said)):
            rows = tokens if number < taken else 0
            yield LAYER_NORM.op(place, rows, wide)
            yield from mlp.ops(place, rows)


FAMILIES = {"granite_docling": GraniteDocling}
