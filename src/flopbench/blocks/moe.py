"""A mixture of experts: router, routed experts, shared experts.

Sources: Shazeer et al. (arXiv:1701.06538) for routed experts, DeepSeekMoE (arXiv:2401.06066)
for shared ones, DeepSeek-V3 (arXiv:2412.19437) for sigmoid scores with a correction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
from attrs import frozen

from flopbench.blocks.mlp import GatedMlp, gate_ops
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, ExpertLinear, Linear, Op, Softmax


@frozen(kw_only=True)
class Router:
    """Scores all experts for each token, and chooses the best of them.

    Attributes:
        scoring: a softmax over all experts (``softmax``), a sigmoid of each (``sigmoid``), a
            softmax over the chosen ones (``chosen``), or one choice after the other, each with
            a softmax over all experts (``in_turn``).
        normalised: whether the weights of the chosen experts are divided by their sum.
        scaled: whether those weights are multiplied by a constant.
        corrected: whether a learned term is added to the scores, for the choice alone.
        groups: groups of experts, of which the best are chosen first; 0 if all experts compete.
        groups_kept: how many groups are chosen.
        group_votes: how many of a group's best scores add up to the score of the group.
    """

    width: Dim
    experts: Dim
    per_token: Dim
    scoring: Literal["softmax", "sigmoid", "chosen", "in_turn"] = "softmax"
    normalised: bool = False
    scaled: bool = False
    corrected: bool = False
    bias: bool = False
    groups: Dim = 0
    groups_kept: Dim = 1
    group_votes: int = 2

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield the scores, the choice, and the operations on the chosen weights."""
        yield site.op(
            Linear, rows=tokens, in_features=self.width, out_features=self.experts, bias=self.bias
        )
        site = site.with_alive(self.width * tokens)
        scores, choices = tokens * self.experts, tokens * self.per_token
        turns = self.per_token if self.scoring == "in_turn" else 1
        if self.scoring in {"softmax", "in_turn"}:
            yield site.op(Softmax, scores=turns * scores)
        elif self.scoring == "sigmoid":
            yield site.op(Elementwise, function="sigmoid", outputs=scores)
        if self.corrected:
            term = self.experts
            yield site.op(
                Elementwise,
                function="add",
                outputs=scores,
                reads=scores,
                lookup_weights=term,
                lookup_reads=term,
            )
        if self.groups:
            yield from self._best_groups(site, tokens)
        yield site.op(Elementwise, function="top_k", outputs=turns * scores, writes=choices)
        if self.scoring == "chosen":
            yield site.op(Softmax, scores=choices)
        if self.normalised:
            sums = tokens * (self.per_token - 1)
            yield site.op(Elementwise, function="add", outputs=sums, reads=choices, writes=tokens)
            yield site.op(Elementwise, function="multiply", outputs=choices, reads=choices + tokens)
        if self.scaled:
            yield site.op(Elementwise, function="multiply", outputs=choices, reads=choices)

    def _best_groups(self, site: Site, tokens: Dim) -> Iterator[Op]:
        groups, scores = tokens * self.groups, tokens * self.experts
        votes = self.group_votes * groups
        yield site.op(Elementwise, function="top_k", outputs=scores, writes=votes)
        if self.group_votes > 1:
            sums = votes - groups
            yield site.op(Elementwise, function="add", outputs=sums, reads=votes, writes=groups)
        kept = tokens * self.groups_kept
        yield site.op(Elementwise, function="top_k", outputs=groups, writes=kept)


@frozen(kw_only=True)
class Experts:
    """Each token's routed experts, and the sum of their outputs weighted by the router.

    Attributes:
        gated: whether an expert has a gate, computed in one product with the other half.
        plus_one: whether the gate multiplies the other half + 1.
    """

    width: Dim
    inner: Dim
    experts: Dim
    per_token: Dim
    activation: str = "silu"
    gated: bool = True
    plus_one: bool = False
    bias: bool = False

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield both products of every token with each of its experts."""
        rows = tokens * self.per_token
        weighing = site.with_alive(rows)  # the routing weights, until the outputs
        first = weighing.op(
            ExpertLinear,
            rows=rows,
            in_features=self.width,
            out_features=2 * self.inner if self.gated else self.inner,
            experts=self.experts,
            top_k=self.per_token,
            bias=self.bias,
        )
        yield first
        yield attrs.evolve(first, in_features=self.inner, out_features=self.width)
        inner = rows * self.inner
        if self.gated:
            if self.plus_one:
                yield weighing.with_alive(inner).op(
                    Elementwise, function="add", outputs=inner, reads=inner
                )
            yield from gate_ops(weighing, self.activation, inner, (inner, 0))
        else:
            yield weighing.op(Elementwise, function=self.activation, outputs=inner)
        outputs = rows * self.width
        yield site.op(Elementwise, function="multiply", outputs=outputs, reads=outputs + rows)
        yield site.op(
            Elementwise,
            function="add",
            outputs=tokens * (self.per_token - 1) * self.width,
            reads=outputs,
            writes=tokens * self.width,
        )


@frozen(kw_only=True)
class Moe:
    """A feed-forward part of routed experts, and of shared ones that every token uses, if any.

    Attributes:
        shared_gate: whether a gate weights the output of the shared experts for each token.
    """

    router: Router
    experts: Experts
    shared: GatedMlp | None = None
    shared_gate: bool = False

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield the parts under ``router``, ``experts`` and ``shared``."""
        elements = tokens * self.experts.width
        yield from self.router.ops(site.at("router"), tokens)
        waiting = site.with_alive(elements) if self.shared else site
        yield from self.experts.ops(waiting.at("experts"), tokens)
        if not self.shared:
            return
        yield from self.shared.ops(waiting.at("shared"), tokens)
        if self.shared_gate:
            yield from _gate(waiting.at("shared"), tokens, self.experts.width)
        yield site.at("shared").op(Elementwise, function="add", outputs=elements)


def _gate(site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
    elements = tokens * width
    yield site.with_alive(elements).op(Linear, rows=tokens, in_features=width, out_features=1)
    yield site.with_alive(elements).op(Elementwise, function="sigmoid", outputs=tokens)
    yield site.op(Elementwise, function="multiply", outputs=elements, reads=elements + tokens)
