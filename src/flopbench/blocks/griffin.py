"""The recurrent block of Griffin, and of RecurrentGemma (arXiv:2402.19427, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
from attrs import frozen

from flopbench.blocks.linear import Projections
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op, RgLru, ShiftedConvolution

_GATES = ("input gate", "recurrent gate")


@frozen(kw_only=True)
class RecurrentBranch:
    """out(rg_lru(convolution(x(h))) * act(y(h))).

    Attributes:
        inner: width of both branches.
        heads: blocks of the matrices that make the gates.
        kernel: as in `ShortConvolution`.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    inner: int
    heads: int
    kernel: Dim
    activation: str = "gelu_tanh"

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``conv``, ``core`` and ``out``."""
        rows, values = run.tokens, run.tokens * self.inner
        both = Projections(self.width, (self.inner, self.inner), biases=True, roles=("y", "x"))
        yield from both.ops(site.at("in"), rows)
        beside = site.with_alive(values)
        branch = beside.at("core").between("y", "y")
        yield branch.op(Elementwise, function=self.activation, outputs=values)
        for part in run.parts:
            yield beside.at("conv").op(
                ShiftedConvolution,
                takes=("x",),
                gives="x",
                batch=part.batch,
                tokens=part.queries,
                resumed=part.resumed,
                channels=self.inner,
                kernel=self.kernel,
                bias=True,
            )
        core = beside.at("core").between("x", "x")
        yield from self._gates(core, rows)
        for part in run.parts:
            yield core.op(
                RgLru,
                takes=("x", *_GATES),
                gives="core",
                batch=part.batch,
                tokens=part.queries,
                resumed=part.resumed,
                width=self.inner,
            )
        product = site.at("core").between("core", "core")
        yield product.op(Elementwise, function="multiply", outputs=values, takes=("core", "y"))
        yield (
            site.at("out")
            .between("core", site.gives)
            .op(
                Linear,
                role="out",
                rows=rows,
                in_features=self.inner,
                out_features=self.width,
                bias=True,
            )
        )

    def _gates(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield what the gates are the sigmoids of: a product for each block of channels."""
        block = self.inner // self.heads
        heads = attrs.evolve(site, layers=self.heads * site.layers)
        sizes = {"rows": rows, "in_features": block, "out_features": block}
        for gate in _GATES:
            role = f"{gate.partition(' ')[0]}_of_heads"
            yield heads.between("x", gate).op(Linear, role=role, bias=True, **sizes)
