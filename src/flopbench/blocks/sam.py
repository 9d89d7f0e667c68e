"""SAM's image encoder: windowed and global attention over a square grid, and strided convolutions.

Source: SAM (arXiv:2304.02643), windowed attention with decomposed relative positions from MViTv2
(arXiv:2112.01526). Resizing tables of positions to the image's grid is not priced: it does not
depend on the batch and has no matrix work.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import field, frozen

from flopbench.blocks.encoder import EncoderAttention, EncoderLayers
from flopbench.blocks.linear import NormSpec
from flopbench.blocks.mlp import Mlp
from flopbench.blocks.site import Site
from flopbench.blocks.vision import PatchStem, Positions
from flopbench.dims import Dim, at_most_one, ceil_div
from flopbench.ops import Conv2d, Elementwise, MatMul, Op, Unit


@frozen
class _Windows:
    """``count`` windows of side x side tokens.

    Attributes:
        trained: side of the window that the relative-position tables were trained for.
    """

    count: Dim
    side: Dim
    trained: Dim = field(kw_only=True)


@frozen(kw_only=True)
class WindowedEncoder:
    """Patches, layers of which most attend within windows, and a neck of convolutions.

    Attributes:
        inner: inner width of the MLP.
        window: side of a window, in patches.
        global_layers: numbers of the layers that attend to the whole image, from 0.
        trained: side of the grid that the tables of positions were trained for, in patches.
        out_channels: channels that the neck gives.
        positions: whether patches have learned positions.
        relative: whether scores have a bias of decomposed relative positions.
    """

    layers: int
    width: Dim
    heads: Dim
    inner: Dim
    in_channels: Dim
    patch_size: Dim
    window: Dim
    global_layers: tuple[int, ...]
    trained: Dim
    out_channels: Dim
    activation: str = "gelu"
    bias: bool = True
    positions: bool = True
    relative: bool = True

    def ops(self, site: Site, images: Dim, grid: Dim) -> Iterator[Op]:
        """Yield the operations on images of grid x grid patches, the neck's included."""
        stem = site.at("patch_embed")
        yield from PatchStem(
            in_channels=self.in_channels, width=self.width, patch_size=self.patch_size
        ).ops(stem, images, grid)
        if self.positions:
            table = Positions(width=self.width, entries=self.trained * self.trained)
            yield from table.ops(stem, images, grid * grid)
        whole = tuple(sorted(self.global_layers))
        every = Unit.of_all("sam", self.layers).numbers
        rest = tuple(number for number in every if number not in whole)
        windows = ceil_div(grid, self.window)
        # Windowed layers pad the grid to whole windows; queries in the padding are computed too.
        cut = _Windows(images * windows * windows, self.window, trained=self.window)
        rows = images * grid * grid
        yield from self._layers(site, Unit("windowed", self.layers - len(whole), rest), rows, cut)
        one = _Windows(images, grid, trained=self.trained)
        yield from self._layers(site, Unit("global", len(whole), whole), rows, one)
        yield from self._neck(site.at("neck"), images, grid)

    def _layers(self, site: Site, unit: Unit, rows: Dim, windows: _Windows) -> Iterator[Op]:
        """Yield layers of one kind; norms, residuals and MLP run on ``rows`` unpadded tokens."""
        mlp = Mlp(width=self.width, inner=self.inner, activation=self.activation, bias=True)
        layers = attrs.evolve(site, layers=unit.count, unit=unit)
        place = layers.at("attention").with_alive(rows * self.width)
        return EncoderLayers(mlp=mlp).ops(
            layers,
            rows,
            lambda takes, gives: self._attention(place.between(takes, gives), windows),
        )

    def _attention(self, site: Site, windows: _Windows) -> Iterator[Op]:
        """Attend within each window."""
        count, tokens = windows.count, windows.side * windows.side
        attention = EncoderAttention(
            width=self.width,
            heads=self.heads,
            head_dim=self.width // self.heads,
            bias=self.bias,
            out_bias=True,
            fused=True,
            position_bias="decomposed relative positions" if self.relative else None,
            bias_of_queries=self.relative,
            scaled="queries",
        )
        yield from attention.projections(site, count * tokens)
        if self.relative:
            yield from self._relative_positions(site.at("core"), windows)
        yield attention.core(site, count, tokens)
        yield attention.out(site, count * tokens)

    def _relative_positions(self, site: Site, windows: _Windows) -> Iterator[Op]:
        """Compute the bias and add it to the scores, after Q K^T; scores and values stay alive."""
        heads, side, head_dim = windows.count * self.heads, windows.side, self.width // self.heads
        tokens = side * side
        scores, per_axis = heads * tokens * tokens, heads * tokens * side
        beside = site.with_alive(scores + heads * tokens * head_dim)
        embeddings = side * side * head_dim
        # Each query is multiplied by one embedding per row and one per column of its window. The
        # columns' embeddings stay alive during the rows' product, the rows' result during the
        # columns'.
        for waiting in (embeddings, per_axis):
            yield beside.with_alive(waiting).op(
                MatMul,
                takes=("q",),
                gives="bias",
                batch=side,
                m=heads * side,
                k=head_dim,
                n=side,
                # All windows and heads share the embeddings; if there are none, nothing is read.
                reads=(heads + at_most_one(heads)) * embeddings,
                lookup_weights=(2 * windows.trained - 1) * head_dim,
            )
        yield beside.op(
            Elementwise,
            function="add",
            outputs=scores,
            reads=2 * per_axis,
            takes=("bias",),
            gives="bias",
        )

    def _neck(self, site: Site, images: Dim, grid: Dim) -> Iterator[Op]:
        out = self.out_channels
        yield _convolution(site, images, (self.width, out), 1, grid, grid)
        yield _convolution(site, images, (out, out), 3, grid, grid)
        twice = attrs.evolve(site, layers=2)
        yield NormSpec("layer_norm").op(twice, images * grid * grid, out)


def halved_twice(site: Site, images: Dim, grid: Dim, channels: tuple[Dim, ...]) -> Iterator[Op]:
    """Yield two strided convolutions: each halves the sides of a grid, rounded up.

    Args:
        channels: those that come in, those between, and those that come out.
    """
    first, middle, last = channels
    half = ceil_div(grid, 2)
    yield _convolution(site, images, (first, middle), 3, grid, half)
    yield _convolution(site, images, (middle, last), 3, half, ceil_div(half, 2))


def _convolution(
    site: Site, images: Dim, channels: tuple[Dim, Dim], kernel_size: int, before: Dim, side: Dim
) -> Conv2d:
    """Return a convolution without bias from a square grid to another."""
    in_channels, out_channels = channels
    return site.op(
        Conv2d,
        batch=images,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        in_height=before,
        in_width=before,
        out_height=side,
        out_width=side,
    )
