"""LightOnOCR and Mistral Small 3.1: the tower of Pixtral, and a merger of cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, ClassVar

import attrs

from flopbench import Linear, Op, UsageError
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    Mlp,
    PatchStem,
    Segments,
    Site,
)
from flopbench.dims import Dim, maximum
from flopbench_transformers_vlm.families.cells import CellsFamily, axial_angles
from flopbench_transformers_vlm.families.grid_tower import RMS_NORM
from flopbench_transformers_vlm.workload import Cut, View

ONE_ROW = (
    "images of one call attend in one row, under a mask that hides each from the others: eager "
    "attention multiplies all of it, and what is projected does, too; adding the mask is not priced"
)


class LightOnOcr(CellsFamily):
    """LightOnOCR: an image within a longest side, padded to whole cells."""

    source = "LightOnOCR (arXiv:2601.14251)"
    processor = "PixtralImageProcessor"
    left_out: ClassVar[tuple[str, ...]] = (ONE_ROW,)

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Cells of the model's size, and pages as long as what the tower is made for."""
        tower = values["vision_config"]
        cell = tower["patch_size"] * values["spatial_merge_size"]
        return {
            "patch_size": {"height": cell, "width": cell},
            "size": {"longest_edge": tower["image_size"]},
        }

    @property
    def merge(self) -> int:
        return self.config.whole.size("spatial_merge_size")

    @property
    def cell(self) -> int:
        """Pixels per side of a cell, which the image processor pads to."""
        cell = self.config.vision.size("patch_size") * self.merge
        padded = self.config.settings.get("patch_size")
        if {*padded.values()} != {cell}:
            raise UsageError(
                f"the image processor pads pages to multiples of {padded['height']} x "
                f"{padded['width']} pixels (its patch_size), but a token is {cell} x {cell}: give "
                "that (model.processor_overrides)"
            )
        return cell

    def cut(self, width: int, height: int) -> Cut:
        cell, size = self.cell, self.config.settings.get("size")
        longest = size.get("longest_edge")
        most = (longest, longest) if longest else (size["width"], size["height"])
        cols, rows = fitted(width, height, most, cell)
        return Cut((View(1, rows, cols),), rows * cols)

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        fields, site, merge = self.config.vision, Site("vision"), self.merge
        width, heads = fields.width, fields.heads
        head_dim = width // heads
        stem = PatchStem(
            in_channels=fields.size("num_channels"),
            width=width,
            patch_size=fields.size("patch_size"),
            bias=False,
        )
        rows, cols = (reduce(maximum, each) for each in zip(*map(_sides, views), strict=True))
        images = sum(view.count for view in views)
        yield from stem.ops(site.at("patch_embed"), images, merge * rows, merge * cols)
        patches: Dim = sum(each.rows for each in self.segments(views))
        yield RMS_NORM.op(site.at("norm"), patches, width)
        # The angles of each position are computed for the row and the column; half are taken.
        yield from axial_angles(site.at("rope"), patches, 2 * head_dim)
        attention = EncoderAttention(
            width=width, heads=heads, head_dim=head_dim, bias=False, rope_dim=head_dim
        )
        mlp = GatedMlp(
            width=width, inner=fields.size("intermediate_size"), activation=fields.activation()
        )
        rest = EncoderLayers(mlp=mlp, norm=RMS_NORM)
        layers = Encoder(layers=fields.layers, attention=attention, rest=rest)
        yield from layers.ops(site, [Segments(1, patches)])
        yield from self._projected(site, patches, width)

    def _projected(self, site: Site, patches: Dim, width: int) -> Iterator[Op]:
        unit, text = self.merge * self.merge, self.config.language.get("hidden_size")
        tokens, projector = patches // unit, site.at("projector")
        yield RMS_NORM.op(projector, patches, width)
        yield site.at("merger").op(
            Linear, rows=tokens, in_features=unit * width, out_features=width
        )
        act, bias = self.projector
        mlp = Mlp(width=width, inner=text, activation=act, bias=bias, out_width=text)
        yield from mlp.ops(projector, tokens)

    @property
    def projector(self) -> tuple[str, bool]:
        """The projector's activation, and whether its products have a bias."""
        return "gelu", False


class Mistral3(LightOnOcr):
    """Mistral Small 3.1: a token ends each row of an image."""

    source = "Mistral Small 3.1 (huggingface.co/mistralai/Mistral-Small-3.1-24B-Instruct-2503)"

    @property
    def cell(self) -> int:
        """Pixels per side of a cell: the model's own processor pads to it, whatever is set."""
        return self.config.vision.size("patch_size") * self.merge

    def cut(self, width: int, height: int) -> Cut:
        found = super().cut(width, height)
        return attrs.evolve(found, separators=int(found.views[0].rows))

    @property
    def projector(self) -> tuple[str, bool]:
        whole = self.config.whole
        taken = whole.get("vision_feature_layer")
        if isinstance(taken, list) and len(taken) != 1:
            raise whole.refused("vision_feature_layer", "one layer")
        act = whole.activation("projector_hidden_act")
        return act, whole.flag("multimodal_projector_bias")


def fitted(width: int, height: int, most: tuple[int, int], cell: int) -> tuple[int, int]:
    """Return columns and rows of cells of a page that is made to fit, then padded to cells.

    Source: ``get_resize_output_image_size`` of Pixtral in transformers.

    Args:
        most: the largest width and height in pixels.

    Raises:
        UsageError: nothing is left of the shorter side.
    """
    ratio = max(width / most[0], height / most[1])
    if ratio > 1:
        wide, high = math.floor(width / ratio), math.floor(height / ratio)
    else:
        wide, high = width, height
    if not min(wide, high):
        raise UsageError(
            f"a page of {width} x {height} pixels: nothing is left of the shorter side when the "
            f"image processor makes it fit {most[0]} x {most[1]}"
        )
    return math.ceil(wide / cell), math.ceil(high / cell)


def _sides(view: View) -> tuple[Dim, Dim]:
    return view.rows, view.cols


FAMILIES = {"lighton_ocr": LightOnOcr, "mistral3": Mistral3}
