"""Parts of vision transformers (ViT, arXiv:2010.11929): stem, positions, attention, layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Part, Projections, ResidualNorms
from flopbench.blocks.mlp import Mlp
from flopbench.blocks.site import Site
from flopbench.dims import Dim, at_most_one
from flopbench.ops import Attention, Conv2d, Elementwise, Linear, Op


@frozen(kw_only=True)
class PatchStem:
    """A convolution that turns each patch of an image into a vector."""

    in_channels: Dim
    width: Dim
    patch_size: Dim
    bias: bool = True

    def ops(self, site: Site, images: Dim, grid: Dim) -> Iterator[Op]:
        """Yield the convolution to a grid of grid x grid patches."""
        yield site.op(
            Conv2d,
            takes=("pixels",),
            batch=images,
            in_channels=self.in_channels,
            out_channels=self.width,
            kernel_size=self.patch_size,
            in_height=grid * self.patch_size,
            in_width=grid * self.patch_size,
            out_height=grid,
            out_width=grid,
            bias=self.bias,
        )


@frozen(kw_only=True)
class Positions:
    """A learned vector per position, added to the tokens.

    Attributes:
        entries: number of learned vectors, including those of extra tokens.
    """

    width: Dim
    entries: Dim

    def ops(self, site: Site, images: Dim, tokens: Dim) -> Iterator[Op]:
        """Yield the addition to ``tokens`` tokens of each image."""
        elements = images * tokens * self.width
        yield site.op(
            Elementwise,
            function="add",
            outputs=elements,
            reads=elements,
            lookup_weights=self.entries * self.width,
            lookup_reads=at_most_one(images) * tokens * self.width,
        )


@frozen(kw_only=True)
class EncoderAttention:
    """Bidirectional attention, without a cache.

    Attributes:
        fused: whether one product computes queries, keys and values.
        position_bias: what is added to the scores, if anything.
        bias_of_queries: whether that bias is computed from the queries.
        scaled, softmax_dtype: as in `flopbench.ops.Attention`.
    """

    width: Dim
    heads: Dim
    head_dim: Dim
    bias: bool = True
    fused: bool = False
    position_bias: str | None = None
    bias_of_queries: bool = False
    scaled: Literal["scores", "queries"] | None = "scores"
    softmax_dtype: str | None = "float32"

    def ops(self, site: Site, batch: Dim, tokens: Dim) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``."""
        yield from self.projections(site, batch * tokens)
        yield self.core(site, batch, tokens)
        yield self.out(site, batch * tokens)

    @property
    def _projections(self) -> Projections:
        inner = self.heads * self.head_dim
        roles = ("q", "k", "v")
        return Projections(self.width, (inner, inner, inner), self.bias, self.fused, roles)

    def projections(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the projections to queries, keys and values."""
        yield from self._projections.ops(site.at("qkv"), rows)

    def core(self, site: Site, batch: Dim, tokens: Dim) -> Attention:
        """Return the attention of ``batch`` images or windows, each on its own."""
        return site.at("core").op(
            Attention,
            takes=self._projections.values,
            gives="core",
            batch=batch,
            heads=self.heads,
            kv_heads=self.heads,
            head_dim=self.head_dim,
            value_dim=self.head_dim,
            queries=tokens,
            keys=tokens,
            bias=self.position_bias,
            bias_of_queries=self.bias_of_queries,
            scaled=self.scaled,
            softmax_dtype=self.softmax_dtype,
        )

    def out(self, site: Site, rows: Dim) -> Linear:
        """Return the output projection."""
        return site.at("out").op(
            Linear,
            role="o",
            takes=("core",),
            rows=rows,
            in_features=self.heads * self.head_dim,
            out_features=self.width,
            bias=self.bias,
        )


@frozen(kw_only=True)
class EncoderLayers:
    """What each layer does besides attention: norms, residual additions and an MLP."""

    mlp: Mlp
    norm: NormSpec = NormSpec("layer_norm")

    def ops(self, site: Site, rows: Dim, attention: Part) -> Iterator[Op]:
        """Yield the layers, with their attention, in the order in which one runs.

        What is besides attention is under ``norm`` and ``mlp``; the residual is alive beside the
        MLP.
        """
        around = ResidualNorms(norm=self.norm, width=self.mlp.width)
        place = site.at("mlp").with_alive(rows * self.mlp.width)
        return around.layer(
            site.at("norm"),
            rows,
            attention,
            lambda takes, gives: self.mlp.ops(place.between(takes, gives), rows),
        )
