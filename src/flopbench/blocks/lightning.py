"""Lightning attention, and the residual around it (MiniMax-01, arXiv:2501.08313)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from attrs import frozen

from flopbench.blocks.linear import NormSpec, Part, Projections, ResidualNorms
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import STREAM, Elementwise, Lightning, Linear, Op


@frozen(kw_only=True)
class LightningAttention:
    """out(norm(lightning(act(in(x)))) * sigmoid(gate(x))).

    Attributes:
        heads, head_dim, block: as in `flopbench.ops.Lightning`.
    """

    component: ClassVar[str] = "recurrence"

    width: Dim
    heads: int
    head_dim: int
    block: Dim
    activation: str = "silu"
    norm: NormSpec = NormSpec("rms_norm")

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``in``, ``core``, ``norm`` and ``out``."""
        rows, inner = run.tokens, self.heads * self.head_dim
        made = Projections(self.width, (3 * inner, inner), roles=("q_k_v", "gate"))
        yield from made.ops(site.at("in"), rows)
        qkv, gate = made.values
        core, values = site.at("core"), rows * inner
        waiting = core.with_alive(values).between(qkv, qkv)
        yield waiting.op(Elementwise, function=self.activation, outputs=3 * values)
        for part in run.parts:
            yield waiting.op(
                Lightning,
                takes=(qkv, qkv, qkv),
                gives="core",
                batch=part.batch,
                tokens=part.queries,
                resumed=part.resumed,
                heads=self.heads,
                head_dim=self.head_dim,
                block=self.block,
            )
        normed = site.at("norm").with_alive(values).between("core", "core")
        yield self.norm.op(normed, rows, inner)
        yield waiting.op(Elementwise, function="sigmoid", outputs=values, takes=(gate,), gives=gate)
        both: dict[str, Any] = {"takes": (gate, "core"), "gives": "core"}
        yield core.op(Elementwise, function="multiply", outputs=values, **both)
        last = site.at("out").between("core", site.gives)
        yield last.op(Linear, role="out", rows=rows, in_features=inner, out_features=self.width)


@frozen(kw_only=True)
class WeightedNorms(ResidualNorms):
    """Norms of the residual that take its place; both addends are multiplied by constants."""

    def layer(self, site: Site, rows: Dim, *parts: Part) -> Iterator[Op]:
        """Yield a layer in the order in which it runs, as `ResidualNorms.layer` does."""
        elements = rows * self.width
        for index, part in enumerate(parts):
            made = f"part {index}"
            yield self.norm.op(site, rows, self.width)
            yield from part(STREAM, made)
            for value in (STREAM, made):
                yield site.between(value, value).op(
                    Elementwise, function="multiply", outputs=elements, reads=elements
                )
            yield site.op(Elementwise, function="add", outputs=elements, takes=(STREAM, made))
