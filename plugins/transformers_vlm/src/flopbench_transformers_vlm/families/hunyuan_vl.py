"""HunyuanOCR: cells of 2 x 2 patches in rows that end in a separator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from flopbench import Elementwise, Embedding, Linear, Op
from flopbench.blocks import EncoderAttention, Positions, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import RMS
from flopbench_transformers_vlm.families.grid_tower import GridTower, cell_convolution
from flopbench_transformers_vlm.workload import Cut, View

_BESIDE = 2
"""Vectors that begin and end an image."""


class HunYuanVl(GridTower):
    """HunyuanOCR: learned positions, and convolutions that merge cells."""

    source = "HunyuanOCR (arXiv:2511.19575)"
    processor = "HunYuanVLImageProcessor"
    heads_field = "num_attention_heads"
    layers_field = "num_hidden_layers"
    channels_field = "num_channels"
    fused = False
    rotary = False

    def cut(self, width: int, height: int) -> Cut:
        """Return cells, a vector that ends each row, and two that begin and end the image."""
        found = super().cut(width, height)
        made = sum(int(_vectors(view)) for view in found.views)
        return attrs.evolve(found, tokens=made)

    @property
    def attention(self) -> EncoderAttention:
        fields = self.config.vision
        head_dim = fields.size("head_dim", self.width // fields.heads)
        return attrs.evolve(super().attention, head_dim=head_dim)

    def positions(self, site: Site, patches: Dim) -> Iterator[Op]:
        fields = self.config.vision
        fields.expect(temporal_patch_size=1)
        side = fields.size("max_image_size") // fields.size("patch_size")
        return Positions(width=self.width, entries=side * side + 1).ops(site, 1, patches)

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        fields, site, width = self.config.vision, site.at("merger"), self.width
        text, cells = fields.size("text_hidden_size"), patches // self.merge**2
        images = sum(view.count for view in views)
        rows = sum(view.count * view.rows for view in views)
        yield RMS.op(site, patches, width)
        for inside, outside, side in ((width, 2 * width, self.merge), (2 * width, 4 * width, 1)):
            yield cell_convolution(site, cells, inside, outside, side)
            if inside == width:
                yield site.op(Elementwise, function=fields.activation(), outputs=cells * outside)
        yield site.op(Embedding, tokens=rows, width=4 * width, entries=1)
        yield site.op(
            Linear, rows=cells + rows, in_features=4 * width, out_features=text, bias=True
        )
        for uses in (images, images, 0):  # the last is held, but nothing takes it
            yield site.op(Embedding, tokens=uses, width=text, entries=1)
        yield RMS.op(site, cells + rows + _BESIDE * images, text)


def _vectors(view: View) -> Dim:
    """Return how many vectors an image becomes."""
    return view.rows * (view.cols + 1) + _BESIDE


FAMILIES = {"hunyuan_vl": HunYuanVl}
