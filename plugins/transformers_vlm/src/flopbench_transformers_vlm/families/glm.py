"""GLM-OCR, GLM-4.1V, GLM-4.5V and GLM-4.6V: cells of 2 x 2 patches, each becomes a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from flopbench import Elementwise, Linear, Op
from flopbench.blocks import EncoderAttention, GatedMlp, Mlp, Positions, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM, RMS
from flopbench_transformers_vlm.families.grid_tower import FRAMES, GridTower, cell_convolution
from flopbench_transformers_vlm.workload import View


class GlmOcr(GridTower):
    """GLM-OCR: norms of query and key heads, axial rotation, a gated MLP, and a gated merger."""

    source = "GLM-OCR (huggingface.co/zai-org/GLM-OCR)"
    processor = "Glm46VImageProcessor"
    frames_counted = True
    shared = (*GridTower.shared, FRAMES)
    norm = RMS

    @property
    def attention(self) -> EncoderAttention:
        bias = self.config.vision.flag("attention_bias")
        return attrs.evolve(super().attention, bias=bias, qk_norm=RMS)

    @property
    def mlp(self) -> Mlp | GatedMlp:
        fields = self.config.vision
        return GatedMlp(
            width=self.width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation(),
            bias=fields.flag("attention_bias"),
        )

    @property
    def out(self) -> int:
        """Width of the features."""
        return self.config.vision.size("out_hidden_size")

    @property
    def merger_inner(self) -> int:
        """Inner width of the merger's MLP."""
        return self.out * self.config.vision.size("in_channels")

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        yield RMS.op(site.at("norm"), patches, self.width)
        merge, out, merger = self.merge, self.out, site.at("merger")
        tokens = patches // (merge * merge)
        yield cell_convolution(merger, tokens, self.width, out, merge)
        yield merger.op(Linear, role="merger", rows=tokens, in_features=out, out_features=out)
        yield LAYER_NORM.op(merger, tokens, out)
        yield merger.op(Elementwise, function="gelu", outputs=tokens * out)
        act = self.config.vision.activation()
        gated = GatedMlp(width=out, inner=self.merger_inner, activation=act)
        yield from gated.ops(merger, tokens)


class Glm4v(GlmOcr):
    """GLM-4.1V: learned positions on the norm of patches, and no norms of heads."""

    source = "GLM-4.1V (arXiv:2507.01006)"
    processor = "Glm4vImageProcessor"

    def positions(self, site: Site, patches: Dim) -> Iterator[Op]:
        fields = self.config.vision
        yield RMS.op(site, patches, self.width)
        side = fields.size("image_size") // fields.size("patch_size")
        yield from Positions(width=self.width, entries=side * side).ops(site, 1, patches)

    @property
    def attention(self) -> EncoderAttention:
        return attrs.evolve(super().attention, qk_norm=None, out_bias=False)

    @property
    def mlp(self) -> Mlp | GatedMlp:
        act = self.config.vision.activation()
        return GatedMlp(width=self.width, inner=self.out, activation=act)

    @property
    def merger_inner(self) -> int:
        return self.config.vision.size("intermediate_size")


class Glm46V(Glm4v):
    """GLM-4.6V: GLM-4.1V with another image processor."""

    source = "GLM-4.6V (huggingface.co/zai-org/GLM-4.6V)"
    processor = "Glm46VImageProcessor"


FAMILIES = {"glm46v": Glm46V, "glm4v": Glm4v, "glm4v_moe": Glm4v, "glm_ocr": GlmOcr}
