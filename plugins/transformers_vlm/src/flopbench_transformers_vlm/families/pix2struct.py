"""Pix2Struct: as many patches as fit, filled up to a fixed number, and T5's layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flopbench import Elementwise, Op, UsageError
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    PatchStem,
    Segments,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import RMS
from flopbench_transformers_vlm.config import VlConfig
from flopbench_transformers_vlm.families.crossing import CrossingFamily
from flopbench_transformers_vlm.workload import Cut, View

CHANNELS = 3


class Pix2Struct(CrossingFamily):
    """Pix2Struct: a page at its own aspect ratio; what fills its patches up costs as they do."""

    source = "Pix2Struct (arXiv:2210.03347)"
    processor = "Pix2StructImageProcessor"

    def cut(self, width: int, height: int) -> Cut:
        return Cut((filled(self.config, width, height),), self.config.settings.size("max_patches"))

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        return self._images(sum(view.count for view in views))

    def _images(self, count: Dim) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        patches = self.config.settings.size("max_patches")
        width, rows = fields.width, count * patches
        yield from embedded(site.at("patch_embed"), fields, rows, fields.size("seq_len"))
        attention = EncoderAttention(
            width=width,
            heads=fields.heads,
            head_dim=fields.size("d_kv"),
            bias=False,
            position_bias="a mask of what fills up",
            softmax_dtype=None,
        )
        mlp = GatedMlp(
            width=width, inner=fields.size("d_ff"), activation=fields.activation("dense_act_fn")
        )
        layers = Encoder(
            layers=fields.layers, attention=attention, rest=EncoderLayers(mlp=mlp, norm=RMS)
        )
        yield from layers.ops(site, [Segments(count, patches)])
        yield RMS.op(site.at("norm"), rows, width)


def filled(config: VlConfig, width: int, height: int) -> View:
    """Return the grid of patches of a page, as large as the most patches allow.

    Raises:
        UsageError: they are none that the tower takes.
    """
    settings = config.settings
    most = settings.size("max_patches")
    high, wide = settings.pair("patch_size", "height", "width")
    elements, taken = high * wide * CHANNELS, config.vision.size("patch_embed_hidden_size")
    if elements != taken:
        raise UsageError(
            f"the image processor's patches have {elements} elements, but the tower takes "
            f"{taken} (patch_embed_hidden_size): set both"
        )
    scale = (most * (high / height) * (wide / width)) ** 0.5
    rows = max(min(int(scale * height / high), most), 1)
    return View(1, rows, max(min(int(scale * width / wide), most), 1))


def embedded(site: Site, fields: Fields, rows: Dim, most: int) -> Iterator[Op]:
    """Yield the projection of patches, and the addition of their rows and columns.

    Args:
        most: entries of the tables of rows and of columns.
    """
    width, elements = fields.width, fields.size("patch_embed_hidden_size")
    stem = PatchStem(in_channels=elements, width=width, patch_size=1)
    yield stem.of_patches(site, rows)
    for _ in range(2):
        yield site.op(
            Elementwise,
            function="add",
            outputs=rows * width,
            reads=rows * width,
            lookup_weights=most * width,
            lookup_reads=rows * width,
        )


FAMILIES = {"pix2struct": Pix2Struct}
