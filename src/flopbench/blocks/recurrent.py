"""Recurrences in the place of attention: projections, causal convolution, recurrence, output.

Source: Mamba 2, arXiv:2405.21060, section 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import CausalConvolution, Elementwise, Linear, Op, StateSpace


@frozen(kw_only=True)
class ShortConvolution:
    """A causal convolution of each channel, with its state, and an activation if there is one.

    Attributes:
        kernel: tokens that an output sees.
    """

    channels: int
    kernel: Dim
    bias: bool = False
    activation: str | None = None

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations of all parts of a pass, each by itself."""
        for part in run.parts:
            yield site.op(
                CausalConvolution,
                batch=part.batch,
                tokens=part.queries,
                resumed=part.resumed,
                channels=self.channels,
                kernel=self.kernel,
                bias=self.bias,
            )
        if self.activation:
            inside = site.between(site.gives, site.gives)
            yield inside.op(
                Elementwise, function=self.activation, outputs=run.tokens * self.channels
            )


@frozen(kw_only=True)
class Mamba2:
    """out(norm(state space(convolution(in(x))) * silu(gate))): a Mamba 2 mixer.

    One product makes the gate, the convolution's input (values, keys and queries) and the steps.

    Attributes:
        heads, head_dim, state_size, groups, chunk: as in `flopbench.ops.StateSpace`.
        kernel: as in `ShortConvolution`.
        in_bias, out_bias: whether the first and the last projection have a bias.
        norm: norm of the gated result, if any.
        scaled: whether constants multiply its input, and each column of what the first product
            makes.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    heads: int
    head_dim: int
    state_size: int
    groups: int
    kernel: Dim
    chunk: Dim
    in_bias: bool = False
    out_bias: bool = False
    convolution_bias: bool = True
    activation: str = "silu"
    norm: NormSpec | None = NormSpec("rms_norm")
    scaled: bool = False

    @property
    def inner(self) -> int:
        """Width of the values of all heads."""
        return self.heads * self.head_dim

    @property
    def channels(self) -> int:
        """Channels of the convolution: values, keys and queries."""
        return self.inner + 2 * self.groups * self.state_size

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``conv``, ``core``, ``norm`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.inner
        yield from self._projected(site.at("in"), rows)
        gate_alive = site.with_alive(values)
        convolution = ShortConvolution(
            channels=self.channels,
            kernel=self.kernel,
            bias=self.convolution_bias,
            activation=self.activation,
        )
        beside = gate_alive.with_alive(rows * self.heads)
        yield from convolution.ops(beside.at("conv").between("projected", "mixed"), run)
        for part in run.parts:
            yield self._core(gate_alive.at("core"), part)
        gated = site.at("norm").between("core", "core")
        yield gated.op(
            Elementwise, function="silu", outputs=values, takes=("projected",), gives="gate"
        )
        yield gated.op(Elementwise, function="multiply", outputs=values, takes=("core", "gate"))
        if self.norm:
            yield self.norm.op(gated, rows, self.inner)
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="out",
                rows=rows,
                in_features=self.inner,
                out_features=self.width,
                bias=self.out_bias,
            )
        )

    def _projected(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the first product, and the scaling around it."""
        made = self.inner + self.channels + self.heads
        takes = site.takes
        if self.scaled:
            takes, elements = "scaled", rows * self.width
            inside = site.between(site.takes, takes)
            yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield site.between(takes, "projected").op(
            Linear,
            role="in",
            rows=rows,
            in_features=self.width,
            out_features=made,
            bias=self.in_bias,
        )
        if self.scaled:
            yield site.between("projected", "projected").op(
                Elementwise, function="multiply", outputs=rows * made, reads=(rows + 1) * made
            )

    def _core(self, site: Site, run: Pass) -> StateSpace:
        return site.op(
            StateSpace,
            takes=("mixed", "projected", "mixed", "mixed"),
            gives="core",
            batch=run.batch,
            tokens=run.queries,
            resumed=run.resumed,
            heads=self.heads,
            head_dim=self.head_dim,
            state_size=self.state_size,
            groups=self.groups,
            chunk=self.chunk,
        )
