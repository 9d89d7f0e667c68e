"""Feed-forward blocks: two products with an activation between, or the gated form (SwiGLU).

Source of the gated form: Shazeer, arXiv:2002.05202.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Projections
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op


@frozen(kw_only=True)
class Mlp:
    """down(activation(up(x))).

    Attributes:
        norm: norm of what ``down`` takes, if any.
        out_width: width of the result, if not that of the input.
    """

    component: ClassVar[str] = "mlp"

    width: Dim
    inner: Dim
    activation: str
    bias: bool = False
    norm: NormSpec | None = None
    out_width: Dim | None = None

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the two products and the activation."""
        yield self._linear(site.between(site.takes, "up"), "up", rows, self.width, self.inner)
        inner = site.between("up", "up")
        yield inner.op(Elementwise, function=self.activation, outputs=rows * self.inner)
        if self.norm is not None:
            yield self.norm.op(inner, rows, self.inner)
        out_width = self.width if self.out_width is None else self.out_width
        yield self._linear(site.between("up", site.gives), "down", rows, self.inner, out_width)

    def _linear(
        self, site: Site, role: str, rows: Dim, in_features: Dim, out_features: Dim
    ) -> Linear:
        return site.op(
            Linear,
            role=role,
            rows=rows,
            in_features=in_features,
            out_features=out_features,
            bias=self.bias,
        )


@frozen(kw_only=True)
class GatedMlp:
    """down(activation(gate(x)) * up(x)).

    Attributes:
        fused: whether one product computes gate and up.
        scaled: whether constants multiply the gate before its activation, and the result.
        norm: norm of what ``down`` takes, if any.
        cutoff: whether the gate keeps only what is above a cutoff, which is subtracted. Computing
            it, from the mean and the deviation of each row, is not priced.
        out_width: width of the result, if not that of the input.
    """

    component: ClassVar[str] = "mlp"

    width: Dim
    inner: Dim
    activation: str = "silu"
    bias: bool = False
    fused: bool = False
    scaled: bool = False
    norm: NormSpec | None = None
    cutoff: bool = False
    out_width: Dim | None = None

    def ops(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield gate, then up while the activated gate stays alive, then down."""
        widths, roles = (self.inner, self.inner), ("gate", "up")
        projections = Projections(self.width, widths, self.bias, self.fused, roles)
        yield from projections.ops(site, rows)
        inner = rows * self.inner
        # During the activation the input stays alive for up; if fused, up's output is alive.
        waiting = inner if self.fused else rows * self.width
        halves = projections.values
        if self.scaled:
            gate = site.with_alive(waiting).between(halves[0], halves[0])
            yield gate.op(Elementwise, function="multiply", outputs=inner, reads=inner)
        if self.cutoff:
            gate = site.between(halves[0], halves[0])
            yield gate.op(Elementwise, function="add", outputs=inner, reads=inner + rows)
            yield gate.op(Elementwise, function="relu", outputs=inner)
        yield from gate_ops(site, self.activation, inner, (waiting, 0), halves)
        if self.norm is not None:
            yield self.norm.op(site.between(halves[0], halves[0]), rows, self.inner)
        yield site.between(halves[0], site.gives).op(
            Linear,
            role="down",
            rows=rows,
            in_features=self.inner,
            out_features=self.width if self.out_width is None else self.out_width,
            bias=self.bias,
        )
        if self.scaled:
            outputs = rows * self.width
            given = site.between(site.gives, site.gives)
            yield given.op(Elementwise, function="multiply", outputs=outputs, reads=outputs)


def gate_ops(
    site: Site,
    activation: str,
    outputs: Dim,
    alive_meanwhile: tuple[Dim, Dim],
    halves: tuple[str, ...],
) -> Iterator[Elementwise]:
    """Yield the activation of the gate and its product with the other half.

    Args:
        alive_meanwhile: elements alive during the activation and during the product.
        halves: names of the gate and of the other half, which may be one; the gate's is the
            product's.
    """
    gate = halves[0]
    for function, alive, takes in zip(
        (activation, "multiply"), alive_meanwhile, ((gate,), halves), strict=True
    ):
        yield site.with_alive(alive).op(
            Elementwise, function=function, outputs=outputs, takes=takes, gives=gate
        )
