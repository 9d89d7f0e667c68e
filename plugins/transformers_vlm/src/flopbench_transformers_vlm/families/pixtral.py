"""LightOnOCR and Mistral Small 3.1: the tower of Pixtral, and a merger of cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

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
from flopbench_transformers_lm.families.parts import RMS
from flopbench_transformers_vlm.families.cells import CellsFamily, axial_angles
from flopbench_transformers_vlm.workload import Cut, View

ONE_ROW = (
    "images of one call attend in one row, under a mask that hides each from the others: eager "
    "attention multiplies all of it, and what is projected does, too; adding the mask is not priced"
)


class LightOnOcr(CellsFamily):
    """LightOnOCR: an image within a longest side, padded to whole patches."""

    source = "LightOnOCR (arXiv:2601.14251)"
    processor = "PixtralImageProcessor"
    left_out = (ONE_ROW,)

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pages are padded to patches, and as long as what the tower is made for."""
        tower = values["vision_config"]
        patch, longest = tower["patch_size"], tower["image_size"]
        return {
            "patch_size": {"height": patch, "width": patch},
            "size": {"longest_edge": longest},
        }

    @property
    def merge(self) -> int:
        return self.config.whole.size("spatial_merge_size")

    @property
    def padded_to(self) -> tuple[int, int]:
        """Height and width in pixels that the image processor pads to multiples of."""
        settings = self.config.settings
        if isinstance(settings.get("patch_size"), int):
            return (size := settings.size("patch_size")), size
        return settings.pair("patch_size", "height", "width")

    def cut(self, width: int, height: int) -> Cut:
        """Return whole cells; the tower also sees patches beyond them, if pages end in some."""
        patch, merge = self.config.vision.size("patch_size"), self.merge
        settings = self.config.settings
        if settings.flag("do_center_crop"):
            raise settings.refused("do_center_crop", "false")
        if not settings.flag("do_resize", default=True):
            raise settings.refused("do_resize", "true")
        longest = settings.longest("size")
        most = (longest, longest) if longest else settings.pair("size", "width", "height")
        high, wide = (each // patch for each in fitted(width, height, most, self.padded_to))
        view = View(1, high // merge, wide // merge, (high % merge, wide % merge))
        if not view.tokens:
            raise UsageError(
                f"a page of {width} x {height} pixels becomes {high} x {wide} patches, which are "
                f"no cell of {merge} x {merge}"
            )
        return Cut((view,), int(view.tokens))

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        width, heads = fields.width, fields.heads
        head_dim = fields.shared_head_dim
        stem = PatchStem(
            in_channels=fields.size("num_channels"),
            width=width,
            patch_size=fields.size("patch_size"),
            bias=False,
        )
        sides = [_sides(view, self.merge) for view in views]
        rows, cols = (reduce(maximum, each) for each in zip(*sides, strict=True))
        images = sum(view.count for view in views)
        yield from stem.ops(site.at("patch_embed"), images, rows, cols)
        patches: Dim = sum(
            view.count * high * wide for view, (high, wide) in zip(views, sides, strict=True)
        )
        yield RMS.op(site.at("norm"), patches, width)
        # The angles of each position are computed for the row and the column; half are taken.
        yield from axial_angles(site.at("rope"), patches, 2 * head_dim)
        attention = EncoderAttention(
            width=width, heads=heads, head_dim=head_dim, bias=False, rope_dim=head_dim
        )
        mlp = GatedMlp(
            width=width, inner=fields.size("intermediate_size"), activation=fields.activation()
        )
        rest = EncoderLayers(mlp=mlp, norm=RMS)
        layers = Encoder(layers=fields.layers, attention=attention, rest=rest)
        yield from layers.ops(site, [Segments(1, patches)])
        tokens: Dim = sum(view.count * view.tokens for view in views)
        yield from self._projected(site, patches, tokens, width)

    def _projected(self, site: Site, patches: Dim, tokens: Dim, width: int) -> Iterator[Op]:
        unit, text = self.merge * self.merge, self.config.language.get("hidden_size")
        projector = site.at("projector")
        yield RMS.op(projector, patches, width)
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

    sizes = ("h",)  # with both open, there is an image of one token: transformers fails to split it

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Pages are padded to cells: the model's own processor sees to it."""
        cell = values["vision_config"]["patch_size"] * values["spatial_merge_size"]
        return {**super().settings(values), "patch_size": {"height": cell, "width": cell}}

    @property
    def padded_to(self) -> tuple[int, int]:
        """A cell, whatever is set."""
        cell = self.config.vision.size("patch_size") * self.merge
        return cell, cell

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


def fitted(
    width: int, height: int, most: tuple[int, int], multiple: tuple[int, int]
) -> tuple[int, int]:
    """Return height and width of a page that is made to fit, then padded.

    Source: ``get_resize_output_image_size`` of Pixtral in transformers.

    Args:
        most: the largest width and height.
        multiple: what height and width are padded to multiples of.

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
    tall, broad = multiple
    return -(-high // tall) * tall, -(-wide // broad) * broad


def _sides(view: View, merge: int) -> tuple[Dim, Dim]:
    """Return rows and columns of patches."""
    return merge * view.rows + view.spare[0], merge * view.cols + view.spare[1]


FAMILIES = {"lighton_ocr": LightOnOcr, "mistral3": Mistral3}
