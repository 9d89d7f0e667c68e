"""ViT and DeiT as towers: tokens of their own beside the patches, and a pooler.

Sources: arXiv:2010.11929 (ViT), arXiv:2012.12877 (DeiT, whose second token is for distillation).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from flopbench import Embedding, Linear, Op, UsageError
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    Mlp,
    PatchStem,
    Positions,
    Segments,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import LAYER_NORM

POOLED = "not priced: the activation of the tower's pooler, whose result nothing reads"


class Vit:
    """A ViT that takes images of one size."""

    processor: ClassVar[str] = "ViTImageProcessor"

    assumed: ClassVar[str | None] = POOLED

    own_tokens: ClassVar[int] = 1
    """Learned tokens that begin each image."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of patches.

        Raises:
            UsageError: the tower does not take images of the size.
        """
        high, wide = sides(self._fields.get("image_size"))
        if (height, width) != (high, wide):
            raise UsageError(
                f"model.processor makes images of {width} x {height} pixels, but the tower takes "
                f"{wide} x {high}: set the size of the image processor to that of the tower"
            )
        rows, cols = sides(self._fields.get("patch_size"))
        return high // rows, wide // cols

    def tokens(self, rows: int, cols: int) -> int:
        """Return the vectors that a grid of patches becomes."""
        return rows * cols + self.own_tokens

    @property
    def width(self) -> int:
        """Width of those vectors."""
        return self._fields.width

    def ops(self, site: Site, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        """Yield the operations on images of a grid of patches."""
        fields, width = self._fields, self.width
        high, wide = sides(fields.get("patch_size"))
        if high != wide:
            raise fields.refused("patch_size", "square patches")
        patch, tokens = site.at("patch_embed"), self.tokens(rows, cols)
        stem = PatchStem(in_channels=fields.size("num_channels"), width=width, patch_size=high)
        yield from stem.ops(patch, count, rows, cols)
        own = self.own_tokens
        yield patch.op(Embedding, tokens=own * count, width=width, entries=own)
        yield from Positions(width=width, entries=tokens).ops(patch, count, tokens)
        attention = EncoderAttention(
            width=width,
            heads=fields.heads,
            head_dim=fields.head_dim,
            bias=fields.flag("qkv_bias"),
            out_bias=True,
        )
        inner = fields.size("intermediate_size")
        mlp = Mlp(width=width, inner=inner, activation=fields.activation(), bias=True)
        layers = Encoder(layers=fields.layers, attention=attention, rest=EncoderLayers(mlp=mlp))
        yield from layers.ops(site, [Segments(count, tokens)])
        yield LAYER_NORM.op(site.at("norm"), count * tokens, width)
        yield site.at("pooler").op(
            Linear,
            role="pooler",
            gives="pooled",
            rows=count,
            in_features=width,
            out_features=fields.size("pooler_output_size", width),
            bias=True,
        )


class Deit(Vit):
    """A DeiT, whose second token is for distillation."""

    own_tokens = 2


def sides(size: int | list[int] | tuple[int, int]) -> tuple[int, int]:
    """Return height and width of a size that may be one number for both."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])
