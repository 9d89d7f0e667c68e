"""A mixture of experts: router, routed experts, shared experts.

Sources: Shazeer et al. (arXiv:1701.06538) for routed experts, DeepSeekMoE (arXiv:2401.06066)
for shared ones, DeepSeek-V3 (arXiv:2412.19437) for sigmoid scores with a correction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, TypeAlias

from attrs import frozen

from flopbench.blocks.linear import NormSpec
from flopbench.blocks.mlp import GatedMlp, Mlp, gate_ops
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import Elementwise, ExpertLinear, Linear, Op, Softmax

Scoring: TypeAlias = Literal[
    "softmax", "sigmoid", "chosen", "chosen_sigmoid", "sigmoid_late", "in_turn"
]


@frozen(kw_only=True)
class Router:
    """Scores all experts for each token, and chooses the best of them.

    Attributes:
        scoring: a softmax over all experts (``softmax``), a sigmoid of each (``sigmoid``), a
            softmax or a sigmoid over the chosen ones (``chosen``, ``chosen_sigmoid``), a sigmoid
            after the choice, of all experts, where those that were not chosen get 0
            (``sigmoid_late``), or one choice after the other, each with a softmax over all experts
            (``in_turn``).
        normalised: whether the weights of the chosen experts are divided by their sum.
        scaled: whether those weights are multiplied by a constant.
        corrected: whether a learned term is added to the scores, for the choice alone.
        softcap: whether the scores are soft-capped first.
        groups: groups of experts, of which the best are chosen first; 0 if all experts compete.
        groups_kept: how many groups are chosen.
        group_votes: how many of a group's best scores add up to the score of the group.
    """

    width: Dim
    experts: Dim
    per_token: Dim
    scoring: Scoring = "softmax"
    normalised: bool = False
    scaled: bool = False
    corrected: bool = False
    bias: bool = False
    softcap: bool = False
    groups: Dim = 0
    groups_kept: Dim = 1
    group_votes: int = 2

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield the scores, the choice, and the operations on the chosen weights."""
        site = site.between(site.takes, "routing")
        yield site.op(
            Linear,
            role="router",
            rows=tokens,
            in_features=self.width,
            out_features=self.experts,
            bias=self.bias,
        )
        site = site.with_alive(self.width * tokens).between("routing", "routing")
        scores, choices = tokens * self.experts, tokens * self.per_token
        turns = self.per_token if self.scoring == "in_turn" else 1
        if self.softcap:
            yield site.op(Elementwise, function="softcap", outputs=scores)
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
                trainable=False,
            )
        if self.groups:
            yield from self._best_groups(site, tokens)
        yield site.op(Elementwise, function="top_k", outputs=turns * scores, writes=choices)
        if self.scoring == "chosen":
            yield site.op(Softmax, scores=choices)
        elif self.scoring in {"chosen_sigmoid", "sigmoid_late"}:
            outputs = choices if self.scoring == "chosen_sigmoid" else scores
            yield site.op(Elementwise, function="sigmoid", outputs=outputs)
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
        joined = 2 if self.gated else 1
        inside = weighing.between("expert", "expert")
        first = weighing.between(site.takes, "expert")
        up = "gate_up" if self.gated else "up"
        yield self._product(first, up, rows, (self.width, joined * self.inner), joined)
        inner = rows * self.inner
        if self.gated:
            if self.plus_one:
                yield inside.with_alive(inner).op(
                    Elementwise, function="add", outputs=inner, reads=inner
                )
            halves = ("expert", "expert")
            yield from gate_ops(inside, self.activation, inner, (inner, 0), halves)
        else:
            yield inside.op(Elementwise, function=self.activation, outputs=inner)
        yield self._product(inside, "down", rows, (self.inner, self.width), 1)
        outputs = rows * self.width
        yield site.op(
            Elementwise,
            function="multiply",
            outputs=outputs,
            reads=outputs + rows,
            takes=("expert", "routing"),
        )
        yield site.between(site.gives, site.gives).op(
            Elementwise,
            function="add",
            outputs=tokens * (self.per_token - 1) * self.width,
            reads=outputs,
            writes=tokens * self.width,
        )

    def _product(
        self, site: Site, role: str, rows: Dim, features: tuple[Dim, Dim], joined: int
    ) -> ExpertLinear:
        """Return one of both products."""
        return site.op(
            ExpertLinear,
            role=role,
            rows=rows,
            in_features=features[0],
            out_features=features[1],
            experts=self.experts,
            top_k=self.per_token,
            bias=self.bias,
            joined=joined,
            gathers=role != "down",
        )


@frozen(kw_only=True)
class LatentInput:
    """Two products around routed experts, which work on narrower vectors between them.

    Source: LatentMoE, arXiv:2601.18089.
    """

    width: Dim
    latent: Dim
    bias: bool = False

    def before(self, site: Site, tokens: Dim) -> Linear:
        """Return the product that makes what the experts work on."""
        return self._product(site, "latent_in", tokens, (self.width, self.latent))

    def after(self, site: Site, tokens: Dim) -> Linear:
        """Return the product of what they make."""
        return self._product(site, "latent_out", tokens, (self.latent, self.width))

    def _product(self, site: Site, role: str, rows: Dim, features: tuple[Dim, Dim]) -> Linear:
        return site.op(
            Linear,
            role=role,
            rows=rows,
            in_features=features[0],
            out_features=features[1],
            bias=self.bias,
        )


@frozen(kw_only=True)
class Moe:
    """A feed-forward part of routed experts, and of shared ones that every token uses, if any.

    Attributes:
        latent: what makes the routed experts' input, if it is not that of the part.
        shared_gate: whether a gate weights the output of the shared experts for each token.
        shared_first: whether the shared experts run before the routed ones.
        routed_scaled: whether the output of the routed experts is multiplied by a constant.
        averaged: whether half the sum of routed and shared experts is the output.
        norm: norm of the output, if any.
    """

    component: ClassVar[str] = "moe"

    router: Router
    experts: Experts
    shared: Mlp | GatedMlp | None = None
    shared_gate: bool = False
    shared_first: bool = False
    latent: LatentInput | None = None
    routed_scaled: bool = False
    averaged: bool = False
    norm: NormSpec | None = None

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield what is under ``router``, ``latent``, ``experts`` and ``shared``, and the norm."""
        yield from self._parts(site, tokens)
        inside = site.between(site.gives, site.gives)
        if self.averaged:
            elements = tokens * self.experts.width
            yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        if self.norm is not None:
            yield self.norm.op(inside.at("norm"), tokens, self.experts.width)

    def _parts(self, site: Site, tokens: Dim) -> Iterator[Op]:
        if not self.shared:
            yield from self._routed(site, site, tokens)
            return
        elements = tokens * self.router.width
        waiting = site.with_alive(elements)
        parts = (
            self._routed(site, waiting.between(site.takes, "routed"), tokens),
            self._shared(self.shared, waiting.at("shared").between(site.takes, "shared"), tokens),
        )
        for part in reversed(parts) if self.shared_first else parts:
            yield from part
        yield site.at("shared").op(
            Elementwise, function="add", outputs=elements, takes=("routed", "shared")
        )

    def _routed(self, site: Site, waiting: Site, tokens: Dim) -> Iterator[Op]:
        yield from self.router.ops(site.at("router"), tokens)
        experts = waiting.at("experts")
        if self.latent is None:
            yield from self.experts.ops(experts, tokens)
        else:
            place = waiting.at("latent")
            yield self.latent.before(place.between(site.takes, "latent"), tokens)
            yield from self.experts.ops(experts.between("latent", "latent"), tokens)
            yield self.latent.after(place.between("latent", waiting.gives), tokens)
        if self.routed_scaled:
            elements = tokens * self.experts.width
            inside = experts.between(waiting.gives, waiting.gives)
            yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)

    def _shared(self, shared: Mlp | GatedMlp, site: Site, tokens: Dim) -> Iterator[Op]:
        yield from shared.ops(site, tokens)
        if self.shared_gate:
            yield from _gate(site, tokens, self.router.width)


def _gate(site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
    elements = tokens * width
    beside, gate = site.with_alive(elements), site.between("shared gate", "shared gate")
    yield beside.between(site.takes, "shared gate").op(
        Linear, role="shared_gate", rows=tokens, in_features=width, out_features=1
    )
    yield gate.with_alive(elements).op(Elementwise, function="sigmoid", outputs=tokens)
    yield site.op(
        Elementwise,
        function="multiply",
        outputs=elements,
        reads=elements + tokens,
        takes=("shared", "shared gate"),
    )
