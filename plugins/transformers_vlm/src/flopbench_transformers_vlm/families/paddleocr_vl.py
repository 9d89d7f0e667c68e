"""PaddleOCR-VL: the layers of SigLIP with a rotation, on cells of 2 x 2 patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench import Op
from flopbench.blocks import Positions, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.grid_tower import GridTower
from flopbench_transformers_vlm.workload import View


class PaddleOcrVl(GridTower):
    """PaddleOCR-VL: learned positions beside the rotation, and a projector of cells."""

    source = "PaddleOCR-VL (arXiv:2510.14528)"
    processor = "PaddleOCRVLImageProcessor"
    heads_field = "num_attention_heads"
    layers_field = "num_hidden_layers"
    channels_field = "num_channels"
    fused = False
    widened = True

    def positions(self, site: Site, patches: Dim) -> Iterator[Op]:
        fields = self.config.vision
        side = fields.size("image_size") // fields.size("patch_size")
        return Positions(width=self.width, entries=side * side).ops(site, 1, patches)

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        yield LAYER_NORM.op(site.at("norm"), patches, self.width)
        text = self.config.language.get("hidden_size")
        yield from self.cells(site.at("projector"), patches, text)


FAMILIES = {"paddleocr_vl": PaddleOcrVl}
