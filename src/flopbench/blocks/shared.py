"""A transformer block whose weights several layers share, in front of a recurrence.

Sources: Zamba, arXiv:2405.16712, section 2; adapters of each use: Zamba 2, arXiv:2411.15242.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import attrs
from attrs import frozen

from flopbench.blocks.attention import SelfAttention
from flopbench.blocks.decoder import AttentionBlock, part_site
from flopbench.blocks.linear import NormSpec
from flopbench.blocks.mlp import GatedMlp
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, Linear, Op


@frozen(kw_only=True)
class SharedTransformer:
    """linear(mlp(norm(attention(norm([x, e]))))), with x the residual and e the embeddings.

    The linear layer and the adapters are those of one use; all other weights are shared.

    Attributes:
        attention: its input is as wide as the residual and the embeddings, its output half of it.
        reused: whether an earlier layer has the same weights.
        adapter_rank: rank of the adapters of the first product of the MLP; 0 for none.
        adapts_attention: whether queries, keys and values have adapters as well.
    """

    width: Dim
    norm: NormSpec
    attention: SelfAttention
    mlp: GatedMlp
    reused: bool = False
    adapter_rank: Dim = 0
    adapts_attention: bool = False

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the operations under ``norm``, ``attention``, ``mlp`` and ``linear``."""
        shared = site.between(site.takes, "shared")
        for op in self._shared(shared, run):
            yield attrs.evolve(op, weights_shared=self.reused)
            if op.role in self._adapted:
                yield from _adapter(op, self.adapter_rank)
        yield (
            site.at("linear")
            .between("shared", site.gives)
            .op(
                Linear,
                role="linear",
                rows=run.tokens,
                in_features=self.width,
                out_features=self.width,
            )
        )

    @property
    def _adapted(self) -> frozenset[str]:
        """Roles of the products that have adapters."""
        mlp = {"gate_up"} if self.mlp.fused else {"gate", "up"}
        attention = {"q", "k", "v"} if self.adapts_attention else set()
        return frozenset(mlp | attention if self.adapter_rank else ())

    def _shared(self, site: Site, run: Pass) -> Iterator[Op]:
        rows, norm = run.tokens, site.at("norm")
        yield self.norm.op(norm.between(site.takes, "norm 0"), rows, self.attention.width)
        attention = site.at("attention").between("norm 0", "part 0")
        yield from self.attention.ops(attention, run)
        yield self.norm.op(norm.between("part 0", "norm 1"), rows, self.width)
        yield from self.mlp.ops(site.at("mlp").between("norm 1", site.gives), rows)


def _adapter(op: Op, rank: Dim) -> Iterable[Op]:
    """Yield two products beside another, and the addition of what they make."""
    if not isinstance(op, Linear):
        raise TypeError(f"an adapter is beside a linear layer, not {type(op).__name__}")
    low, high = f"{op.role} low", f"{op.role} high"
    bare = attrs.evolve(op, bias=False, scheme=None)
    yield attrs.evolve(bare, out_features=rank, role=f"{op.role}_adapter_in", gives=low)
    yield attrs.evolve(
        bare, takes=(low,), in_features=rank, role=f"{op.role}_adapter_out", gives=high
    )
    yield Elementwise(
        component=op.component,
        layers=op.layers,
        steps=op.steps,
        unit=op.unit,
        alive_meanwhile=op.alive_meanwhile,
        function="add",
        outputs=op.rows * op.out_features,
        takes=(op.gives, high),
        gives=op.gives,
    )


@frozen(kw_only=True)
class AfterShared:
    """x + mixer(norm(x + what a shared transformer makes of x)), without the outer addition."""

    component: ClassVar[str] = ""

    width: Dim
    norm: NormSpec
    transformer: SharedTransformer
    mixer: AttentionBlock

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the shared transformer, the addition, the norm and the mixer."""
        rows, norm = run.tokens, site.at("norm")
        yield from self.transformer.ops(site.between(site.takes, "linear"), run)
        yield norm.between(site.takes, "sum").op(
            Elementwise, function="add", outputs=rows * self.width, takes=(site.takes, "linear")
        )
        yield self.norm.op(norm.between("sum", "norm 2"), rows, self.width)
        mixer = part_site(site, self.mixer)
        yield from self.mixer.ops(mixer.between("norm 2", site.gives), run)
