"""Donut's Swin transformer: shifted windows, relative positions, and patches that are merged.

Source: Liu et al., arXiv:2103.14030, as in Donut, arXiv:2111.15664.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
from attrs import frozen

from flopbench import Elementwise, Embedding, Linear, Op
from flopbench.blocks import EncoderAttention, EncoderLayers, Mlp, PatchStem, Site
from flopbench.dims import Dim
from flopbench.ops import Unit
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.windows import Windows


@frozen(eq=False)
class _Stage:
    """The layers of one width, on a grid of each image."""

    number: int
    depth: int
    heads: int
    width: int
    count: Dim
    rows: int
    cols: int

    @property
    def tokens(self) -> Dim:
        return self.count * self.rows * self.cols


class Swin:
    """Donut's tower, which takes images of any size."""

    processor: ClassVar[str] = "DonutImageProcessor"
    assumed: ClassVar[str | None] = None

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of patches; images are filled up to whole ones."""
        patch = self._patch
        return -(-height // patch), -(-width // patch)

    def tokens(self, rows: int, cols: int) -> int:
        """Return the vectors that a grid of patches becomes."""
        for _ in self._fields.get("depths")[1:]:
            rows, cols = _halved(rows), _halved(cols)
        return rows * cols

    @property
    def width(self) -> int:
        """Width of those vectors."""
        stages = len(self._fields.get("depths"))
        made = self._fields.size("embed_dim") << (stages - 1)
        if self._fields.get("hidden_size", made) != made:  # what the decoder is built for
            raise self._fields.refused("hidden_size", f"{made}, which embed_dim and depths make")
        return made

    @property
    def _patch(self) -> int:
        size = self._fields.get("patch_size")
        if isinstance(size, int):
            return size
        if len({*size}) != 1:
            raise self._fields.refused("patch_size", "square patches")
        return int(size[0])

    def ops(self, site: Site, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        """Yield the operations on images of a grid of patches."""
        fields = self._fields
        fields.expect(use_absolute_embeddings=False)
        width, patch = fields.size("embed_dim"), site.at("patch_embed")
        channels = fields.size("num_channels")
        stem = PatchStem(in_channels=channels, width=width, patch_size=self._patch)
        yield from stem.ops(patch, count, rows, cols)
        yield LAYER_NORM.op(patch, count * rows * cols, width)
        depths, heads = fields.get("depths"), fields.get("num_heads")
        for stage, (depth, each) in enumerate(zip(depths, heads, strict=False)):
            grid = _Stage(stage, depth, each, width * 2**stage, count, rows, cols)
            for shifted in (False, True):
                yield from self._layers(site, grid, shifted=shifted)
            if stage < len(depths) - 1:
                rows, cols = _halved(rows), _halved(cols)
                yield from _merged(site.at("merger"), count * rows * cols, width * 2**stage)
        made = count * rows * cols * self.width
        pooled = count * self.width
        yield site.at("pooler").op(
            Elementwise, function="add", outputs=made, writes=pooled, gives=""
        )

    def _layers(self, site: Site, stage: _Stage, *, shifted: bool) -> Iterator[Op]:
        """Yield the layers of a stage whose windows are shifted, or those whose are not.

        Every second layer shifts its windows, which adds a mask to the scores; none does if the
        grid is a single window high or wide.
        """
        layers = (stage.depth + (not shifted)) // 2
        if not layers:
            return
        fields, width, least = self._fields, stage.width, min(stage.rows, stage.cols)
        side, name = fields.size("window_size"), f"stage {stage.number + 1}"
        if least < side:
            raise fields.refused("window_size", f"at most the {least} rows or columns of {name}")
        masked = shifted and least > side > 1
        if width % stage.heads:
            raise fields.refused("num_heads", f"divisors of {width}, the width of {name}")
        attention = EncoderAttention(
            width=width,
            heads=stage.heads,
            head_dim=width // stage.heads,
            bias=fields.flag("qkv_bias"),
            out_bias=True,
            position_bias="relative positions",
            biases=2 if masked else 1,
            softmax_dtype=None,
        )
        unit = Unit(f"{name}, shifted" if shifted else name, layers)
        within = attrs.evolve(site, layers=layers, unit=unit)
        place = within.at("attention").with_alive(stage.tokens * width)
        segments = Windows(stage.rows, stage.cols, side).segments(stage.count)

        def part(takes: str, gives: str) -> Iterator[Op]:
            yield _relative_positions(place, side, stage.heads)
            yield from attention.over(place.between(takes, gives), segments)

        inner = int(fields.get("mlp_ratio") * width)
        mlp = Mlp(width=width, inner=inner, activation=fields.activation(), bias=True)
        yield from EncoderLayers(mlp=mlp).ops(within, stage.tokens, part)


def _relative_positions(site: Site, side: int, heads: int) -> Op:
    """Return the look-up of a number for each head and pair of cells of a window."""
    return site.at("core").op(
        Embedding,
        role="positions",
        takes=("places",),
        gives="relative positions",
        tokens=side**4,
        width=heads,
        entries=(2 * side - 1) ** 2,
    )


def _merged(site: Site, tokens: Dim, width: int) -> Iterator[Op]:
    """Yield what makes one vector of 2 x 2, twice as wide as each."""
    yield LAYER_NORM.op(site, tokens, 4 * width)
    yield site.op(
        Linear, role="reduction", rows=tokens, in_features=4 * width, out_features=2 * width
    )


def _halved(size: int) -> int:
    return -(-size // 2)
