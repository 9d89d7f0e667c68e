"""Linear layers and norms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
from attrs import frozen

from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Norm, Op


@frozen
class Projections:
    """Linear layers on the same input; their outputs stay alive until the last one is computed.

    Attributes:
        out_features: widths of the layers.
        biases: whether the layers have a bias: one answer for all, or one for each.
        fused: whether one product computes all outputs.
    """

    in_features: Dim
    out_features: tuple[Dim, ...]
    biases: bool | tuple[bool, ...] = False
    fused: bool = False

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield one product per layer, or one for all."""
        widths = (sum(self.out_features),) if self.fused else self.out_features
        biases = (self.biases,) * len(widths) if isinstance(self.biases, bool) else self.biases
        made: Dim = 0
        for width, bias in zip(widths, biases, strict=True):
            yield site.with_alive(made).op(
                Linear, rows=rows, in_features=self.in_features, out_features=width, bias=bias
            )
            made = made + rows * width


@frozen
class NormSpec:
    """A kind of norm.

    Attributes:
        parameters: weights per element; None for as many as the function usually has.
    """

    function: Literal["layer_norm", "rms_norm"]
    parameters: int | None = None

    def op(self, site: Site, rows: Dim, width: Dim) -> Norm:
        """Return the norm of ``rows`` vectors."""
        return site.op(
            Norm, function=self.function, rows=rows, width=width, parameters=self.parameters
        )

    def apart(self, site: Site, rows: Dim, copies: Dim, width: Dim) -> Norm:
        """Return ``copies`` norms of ``rows`` vectors each, every copy with its own weights."""
        return self.op(attrs.evolve(site, layers=copies * site.layers), rows, width)


@frozen(kw_only=True)
class ResidualNorms:
    """The norms and residual additions around the parts of each layer.

    Attributes:
        norms, adds: how many of them one layer has.
        posts: how many of its norms work on the output of a part, while the residual is alive.
        scaled: whether the addend is multiplied by a constant first.
        last: norms after all layers.
    """

    norm: NormSpec
    width: Dim
    norms: int = 2
    posts: int = 0
    adds: int = 2
    scaled: bool = False
    last: int = 0

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield norms and additions of all layers of the site.

        Args:
            site: its ``layers`` are those of the model. The elements alive beside the work must
                not include the residual: a norm or an addition works on that itself.
        """
        layers, elements = site.layers, rows * self.width
        before = attrs.evolve(site, layers=(self.norms - self.posts) * layers + self.last)
        yield self.norm.op(before, rows, self.width)
        if self.posts:
            after = attrs.evolve(site.with_alive(elements), layers=self.posts * layers)
            yield self.norm.op(after, rows, self.width)
        added = attrs.evolve(site, layers=self.adds * layers)
        if self.scaled:
            yield added.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield added.op(Elementwise, function="add", outputs=elements)
