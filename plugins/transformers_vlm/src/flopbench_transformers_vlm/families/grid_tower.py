"""What towers over an image's own grid of patches share: patches, layers, and a merger of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from flopbench import Conv2d, Op
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    GatedMlp,
    Mlp,
    NormSpec,
    PatchStem,
    Segments,
    Site,
)
from flopbench.dims import Dim, ceil_div, is_zero
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.cells import CellsFamily, axial_angles
from flopbench_transformers_vlm.workload import View

FRAMES = ("temporal_patch_size", "temporal_patch_size")
"""Copies of an image that a patch has, in the image processor and in the tower."""


_ROTATED = 4
"""Elements of a head that are rotated together: a pair by the row, and one by the column."""


class GridTower(CellsFamily):
    """Models whose tower sees patches of all images in one row, and then merges cells of them.

    A subclass says what differs: names of fields, norms, positions, the MLP, and the merger.
    """

    width_field: ClassVar[str] = "hidden_size"
    heads_field: ClassVar[str] = "num_heads"
    layers_field: ClassVar[str] = "depth"
    channels_field: ClassVar[str] = "in_channels"

    norm: ClassVar[NormSpec] = LAYER_NORM
    stem_bias: ClassVar[bool] = True
    fused: ClassVar[bool] = True
    """Whether one product computes queries, keys and values."""

    rotary: ClassVar[bool] = True
    """Whether queries and keys are rotated by the row and the column of a patch."""

    @property
    def width(self) -> int:
        """Width of the tower."""
        return self.config.vision.size(self.width_field)

    @property
    def layers(self) -> int:
        """Layers of the tower."""
        return self.config.vision.size(self.layers_field)

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        patches: Dim = sum(each.rows for each in self.segments(views))
        stem = PatchStem(
            in_channels=fields.size(self.channels_field),
            width=self.width,
            patch_size=fields.size("patch_size"),
            bias=self.stem_bias,
        )
        # Files of others have the field, too, and it has no effect.
        frames = fields.size("temporal_patch_size") if FRAMES in self.shared else 1
        yield stem.of_patches(site.at("patch_embed"), patches, frames)
        yield from self.positions(site.at("patch_embed"), patches)
        if self.rotary:
            yield from axial_angles(site.at("rope"), patches, self.attention.head_dim)
        yield from self.encoded(site, views)
        yield from self.merged(site, views, patches)

    def positions(self, site: Site, patches: Dim) -> Iterator[Op]:
        """Yield what is done to patches before the layers: nothing, unless a subclass says so."""
        return iter(())

    @property
    def attention(self) -> EncoderAttention:
        """Attention of each layer."""
        heads = self.config.vision.size(self.heads_field)
        if self.width % heads:
            right = f"divisors of the width {self.width}"
            raise self.config.vision.refused(self.heads_field, right)
        if self.rotary and self.width // heads % _ROTATED:
            right = f"numbers of heads whose width is a multiple of {_ROTATED}"
            raise self.config.vision.refused(self.heads_field, right)
        return EncoderAttention(
            width=self.width,
            heads=heads,
            head_dim=self.width // heads,
            fused=self.fused,
            rope_dim=self.width // heads if self.rotary else 0,
            one_by_one=True,
        )

    @property
    def mlp(self) -> Mlp | GatedMlp:
        """The MLP of each layer: two products, unless a subclass says otherwise."""
        fields = self.config.vision
        return Mlp(
            width=self.width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation(),
            bias=True,
        )

    def encoder(self, layers: int, name: str = "vision", numbers: tuple[int, ...] = ()) -> Encoder:
        """Return layers of the tower."""
        rest = EncoderLayers(mlp=self.mlp, norm=self.norm)
        return Encoder(
            layers=layers, attention=self.attention, rest=rest, name=name, numbers=numbers
        )

    def encoded(self, site: Site, views: Sequence[View]) -> Iterator[Op]:
        """Yield all layers; a patch attends to its image."""
        return self.encoder(self.layers).ops(site, self.segments(views))

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        """Yield what turns cells of patches into features."""
        raise NotImplementedError

    def cells(
        self,
        site: Site,
        patches: Dim,
        out: int,
        *,
        norm: NormSpec | None = None,
        wide_norm: bool = False,
    ) -> Iterator[Op]:
        """Yield a norm, two products with GELU, from the patches of a cell to one vector.

        Args:
            out: width of that vector.
            norm: a norm of another kind than that of the layers.
            wide_norm: whether the norm covers all patches of a cell at once.
        """
        unit, norm = self.merge * self.merge, norm or self.norm
        tokens, wide = patches // unit, self.width * unit
        yield norm.op(site, tokens, wide) if wide_norm else norm.op(site, patches, self.width)
        mlp = Mlp(width=wide, inner=wide, activation="gelu", bias=True, out_width=out)
        yield from mlp.ops(site, tokens)


def cell_convolution(site: Site, cells: Dim, inside: int, outside: int, side: int) -> Conv2d:
    """Return the convolution that makes one vector of each cell of side x side vectors."""
    return site.op(
        Conv2d,
        batch=cells,
        in_channels=inside,
        out_channels=outside,
        kernel_size=side,
        in_height=side,
        in_width=side,
        out_height=1,
        out_width=1,
        bias=True,
    )


def windows(views: Sequence[View], side: int, unit: int) -> list[Segments]:
    """Return the windows of images that are cut into squares from their top left corner.

    The last of a row or a column has what is left over: its kind is one of its own.

    Source: ``get_vision_window_index`` in transformers.

    Args:
        views: images, their sizes in cells.
        side: cells per side of a window.
        unit: patches of a cell.
    """
    found = []
    for view in views:
        down, across = _parts(view.rows, side), _parts(view.cols, side)
        found += [
            Segments(view.count * high * wide, unit * rows * cols)
            for high, rows in down
            for wide, cols in across
        ]
    return found


def _parts(cells: Dim, side: int) -> list[tuple[Dim, Dim]]:
    """Return how many parts of which length a side is cut into: full ones, and the last one."""
    full = ceil_div(cells, side) - 1
    parts: list[tuple[Dim, Dim]] = [(full, side), (1, cells - side * full)]
    return parts[is_zero(full) :]
