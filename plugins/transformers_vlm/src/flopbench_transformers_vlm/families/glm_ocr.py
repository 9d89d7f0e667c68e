"""GLM-OCR: cells of 2 x 2 patches, each becomes a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench import Conv2d, Elementwise, Linear, Op
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    NormSpec,
    PatchStem,
    Site,
)
from flopbench_transformers_vlm.families.cells import CellsFamily, axial_angles
from flopbench_transformers_vlm.workload import View

RMS = NormSpec("rms_norm")


class GlmOcr(CellsFamily):
    """GLM-OCR: norms of query and key heads, axial rotation, a gated MLP, and a gated merger."""

    source = "GLM-OCR (huggingface.co/zai-org/GLM-OCR)"
    processor = "Glm46VImageProcessor"
    frames_counted = True

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        fields, merge = self.config.vision, self.merge
        width, heads = fields.width, fields.size("num_heads")
        bias, inner = fields.flag("attention_bias"), fields.size("intermediate_size")
        act, head_dim = fields.activation(), width // heads
        segments = self.segments(views)
        patches = sum(each.rows for each in segments)
        site = Site("vision")
        stem = PatchStem(
            in_channels=fields.size("in_channels"), width=width, patch_size=fields.size("patch_size")
        )
        frames = fields.size("temporal_patch_size")
        yield stem.of_patches(site.at("patch_embed"), patches, frames)
        yield from axial_angles(site.at("rope"), patches, head_dim)
        attention = EncoderAttention(
            width=width,
            heads=heads,
            head_dim=head_dim,
            bias=bias,
            fused=True,
            qk_norm=RMS,
            rope_dim=head_dim,
        )
        mlp = GatedMlp(width=width, inner=inner, activation=act, bias=bias)
        layers = Encoder(
            layers=fields.size("depth"), attention=attention, rest=EncoderLayers(mlp=mlp, norm=RMS)
        )
        yield from layers.ops(site, segments)
        yield RMS.op(site.at("norm"), patches, width)
        out, tokens = fields.size("out_hidden_size"), patches // (merge * merge)
        merger = site.at("merger")
        yield merger.op(
            Conv2d,
            batch=tokens,
            in_channels=width,
            out_channels=out,
            kernel_size=merge,
            in_height=merge,
            in_width=merge,
            out_height=1,
            out_width=1,
            bias=True,
        )
        yield merger.op(Linear, role="merger", rows=tokens, in_features=out, out_features=out)
        yield NormSpec("layer_norm").op(merger, tokens, out)
        yield merger.op(Elementwise, function="gelu", outputs=tokens * out)
        widened = out * fields.size("in_channels")
        yield from GatedMlp(width=out, inner=widened, activation=act).ops(merger, tokens)


FAMILIES = {"glm_ocr": GlmOcr}
