"""Feed-forward blocks: two products with an activation between, or the gated form (SwiGLU).

Source of the gated form: Shazeer, arXiv:2002.05202.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.blocks.linear import Projections
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op


@frozen(kw_only=True)
class Mlp:
    """down(activation(up(x)))."""

    width: Dim
    inner: Dim
    activation: str
    bias: bool = False

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the two products and the activation."""
        for in_features, out_features in ((self.width, self.inner), (self.inner, self.width)):
            yield site.op(
                Linear,
                rows=rows,
                in_features=in_features,
                out_features=out_features,
                bias=self.bias,
            )
        yield site.op(Elementwise, function=self.activation, outputs=rows * self.inner)


@frozen(kw_only=True)
class GatedMlp:
    """down(activation(gate(x)) * up(x)).

    Attributes:
        fused: whether one product computes gate and up.
    """

    width: Dim
    inner: Dim
    activation: str = "silu"
    bias: bool = False
    fused: bool = False

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield gate, then up while the activated gate stays alive, then down."""
        widths = (self.inner, self.inner)
        yield from Projections(self.width, widths, self.bias, self.fused).ops(site, rows)
        yield site.op(
            Linear, rows=rows, in_features=self.inner, out_features=self.width, bias=self.bias
        )
        inner = rows * self.inner
        # During the activation the input stays alive for up; if fused, up's output is alive.
        waiting = inner if self.fused else rows * self.width
        yield from gate_ops(site, self.activation, inner, (waiting, 0))


def gate_ops(
    site: Site, activation: str, outputs: Dim, alive_meanwhile: tuple[Dim, Dim]
) -> Iterator[Elementwise]:
    """Yield the activation of the gate and its product with the other half.

    Args:
        alive_meanwhile: elements alive during the activation and during the product.
    """
    for function, alive in zip((activation, "multiply"), alive_meanwhile, strict=True):
        yield site.with_alive(alive).op(Elementwise, function=function, outputs=outputs)
