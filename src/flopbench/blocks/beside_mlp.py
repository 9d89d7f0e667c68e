"""Experts beside an MLP, each with norms of its own, as in Gemma 4's model of 26B parameters.

Source: transformers' Gemma 4 (github.com/huggingface/transformers, models/gemma4): the MLP works
on the norm of the residual, router and experts on norms of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import attrs
from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.mlp import GatedMlp
from flopbench.blocks.moe import Experts, Router
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import STREAM, Elementwise, Op


@frozen(kw_only=True)
class ExpertsBesideMlp:
    """norm(MLP(x)) + norm(experts(norm(residual))).

    The router sees a norm of the residual without weights, times weights and a constant; the
    weights of the chosen experts are multiplied by one of each expert.
    """

    component: ClassVar[str] = "moe"

    mlp: GatedMlp
    router: Router
    experts: Experts
    norm: NormSpec = NormSpec("rms_norm")

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield the MLP, the router, the experts, and the sum of both outputs."""
        width, elements = self.mlp.width, tokens * self.mlp.width
        whole = site.component.rpartition("/")[0]
        norm, beside = attrs.evolve(site, component=f"{whole}/norm"), site.with_alive(elements)
        mlp = attrs.evolve(site, component=f"{whole}/mlp").between(site.takes, "dense")
        yield from self.mlp.ops(mlp, tokens)
        yield self.norm.op(norm.between("dense", "dense"), tokens, width)
        yield from self._router(beside.at("router"), tokens)
        waiting = norm.with_alive(elements)
        yield self.norm.op(waiting.between(STREAM, "normed"), tokens, width)
        experts = beside.at("experts").between("normed", "routed")
        yield from self.experts.ops(experts, tokens)
        yield self.norm.op(waiting.between("routed", "routed"), tokens, width)
        yield norm.op(Elementwise, function="add", outputs=elements, takes=("dense", "routed"))

    def _router(self, site: Site, tokens: Dim) -> Iterator[Op]:
        width = self.mlp.width
        elements = tokens * width
        inside = site.between("router input", "router input")
        unweighted = attrs.evolve(self.norm, parameters=0)
        yield unweighted.op(site.between(STREAM, "router input"), tokens, width)
        yield inside.op(
            Elementwise,
            function="multiply",
            outputs=elements,
            reads=elements,
            lookup_weights=width,
            lookup_reads=width,
        )
        yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield from self.router.ops(inside, tokens)
        choices = tokens * self.router.per_token
        yield site.between("routing", "routing").op(
            Elementwise,
            function="multiply",
            outputs=choices,
            reads=choices,
            lookup_weights=self.router.experts,
            lookup_reads=choices,
        )
