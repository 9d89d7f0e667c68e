"""Mamba in the place of attention: a selective scan.

Source: Gu and Dao, arXiv:2312.00752, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.passes import Pass
from flopbench.blocks.recurrent import ShortConvolution
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op, SelectiveScan


@frozen(kw_only=True)
class Mamba:
    """out(scan(convolution(in(x))) * activation(gate)): a Mamba mixer.

    A second product makes steps of a low rank, keys and queries from the convolution's result, a
    third the steps of all channels.

    Attributes:
        inner: channels of the convolution and of the scan.
        state_size: elements of the state of a channel.
        rank: width of the steps between both products.
        heads: parts of the channels that have products, keys and queries of their own, which run
            in the mixer itself (``core``); None if there is one module for all channels.
        kernel: as in `ShortConvolution`.
        bias: whether the first and the last projection have a bias.
        activation: of the convolution's result.
        gate: of the gate.
        norm: norm of steps, keys and queries, each on its own, if any.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    inner: int
    state_size: int
    rank: int
    kernel: Dim
    heads: int | None = None
    bias: bool = False
    convolution_bias: bool = True
    activation: str = "silu"
    gate: str = "silu"
    norm: NormSpec | None = None

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``conv``, ``select``, ``core`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.inner
        yield self._linear(
            site.at("in").between(site.takes, "projected"),
            "in",
            rows,
            (self.width, 2 * self.inner),
            bias=self.bias,
        )
        beside = site.with_alive(values)  # the gate
        convolution = ShortConvolution(
            channels=self.inner,
            kernel=self.kernel,
            bias=self.convolution_bias,
            activation=self.activation,
        )
        yield from convolution.ops(beside.at("conv").between("projected", "mixed"), run)
        place = beside.with_alive(values)
        yield from self._selected(place.at("core" if self.heads else "select"), rows)
        yield self._of_heads(
            place.at("core").between(self._names[0], "steps"), "dt", rows, (self.rank, self._share)
        )
        for part in run.parts:
            yield self._core(beside.at("core"), part)
        gated = site.at("core").between("core", "core")
        yield gated.op(
            Elementwise, function=self.gate, outputs=values, takes=("projected",), gives="gate"
        )
        yield gated.op(Elementwise, function="multiply", outputs=values, takes=("core", "gate"))
        yield self._linear(
            site.at("out").between("core", site.gives),
            "out",
            rows,
            (self.inner, self.width),
            bias=self.bias,
        )

    def _selected(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the product that makes steps, keys and queries, and their norms."""
        widths = (self.rank, self.state_size, self.state_size)
        made = sum(widths)
        product = site.between("mixed", "selected")
        yield self._of_heads(product, "x", rows, (self._share, made))
        if self.norm:
            for name, width in zip(self._names, widths, strict=True):
                beside = site.with_alive(rows * (made - width)).between("selected", name)
                yield self.norm.op(beside, rows, width)

    @property
    def _names(self) -> tuple[str, ...]:
        """Names of low-rank steps, keys and queries: those of their norms, or all one product."""
        return ("low steps", "keys", "queries") if self.norm else ("selected",) * 3

    @property
    def _share(self) -> int:
        """Channels of one head."""
        return self.inner // (self.heads or 1)

    def _of_heads(self, site: Site, role: str, rows: Dim, features: tuple[Dim, Dim]) -> Linear:
        """Return a product that each head has for itself."""
        if self.heads is None:
            return self._linear(site, role, rows, features)
        heads = attrs.evolve(site, layers=self.heads * site.layers)
        return self._linear(heads, f"{role}_of_heads", rows, features)

    def _linear(
        self, site: Site, role: str, rows: Dim, features: tuple[Dim, Dim], *, bias: bool = False
    ) -> Linear:
        return site.op(
            Linear,
            role=role,
            rows=rows,
            in_features=features[0],
            out_features=features[1],
            bias=bias,
        )

    def _core(self, site: Site, run: Pass) -> SelectiveScan:
        return site.op(
            SelectiveScan,
            takes=("mixed", "steps", *self._names[1:]),
            gives="core",
            batch=run.batch,
            tokens=run.queries,
            resumed=run.resumed,
            channels=self.inner,
            state_size=self.state_size,
            heads=self.heads or 1,
        )
