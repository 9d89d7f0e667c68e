"""EleutherAI's cookbook: its calculator of a transformer's FLOPs."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.formulas import (
    ALL_PAIRS,
    PASSES,
    Amount,
    DoesNotApplyError,
    Facts,
    Origin,
    Sum,
    Term,
)

_COMMIT = "827ee3b293a63f14403f1467d08c91fda213f4e6"
LAYERS_AGAIN = Sum.of(Term.LAYERS_AGAIN)
_PASSES = 4
"""Forward, backward to inputs and to weights, and the forward pass again: its default."""


class Cookbook(Formula):
    """``calc_transformer_flops.py`` with its default: activations are recomputed.

    Heads share the model's width. The calculator takes whole numbers for the ratio of the MLP's
    width to the model's; here it may be any. The LM head is counted for the forward pass alone.
    """

    name = "cookbook"
    summary = "four passes over layers whose attention is as wide as the model, one over the head"
    origin = Origin(
        "EleutherAI cookbook, calc/calc_transformer_flops.py",
        _COMMIT[:7],
        f"https://github.com/EleutherAI/cookbook/blob/{_COMMIT}/calc/calc_transformer_flops.py",
    )
    counts = "all products of layers with their recomputation, over all pairs"
    claims = "estimates of training cost with the cookbook; an HFU rather than an MFU"

    def flops(self, facts: Facts) -> Amount:
        feed_forward, router = self._layer(facts)
        width, share = facts.width, Fraction(facts.kv_heads, facts.heads)
        projections = (1 + 2 * share + 1) * width * width
        attention = 2 * facts.sequence * width
        per_layer = 2 * (projections + attention + feed_forward + router)
        ends = 4 * width + 2 * width * facts.vocabulary
        total = facts.tokens * (_PASSES * facts.layers * per_layer + ends)
        return int(total) if total.denominator == 1 else total

    def _layer(self, facts: Facts) -> tuple[int, int]:
        """Return the elements of the matrices of an MLP or of active experts, and of a router."""
        facts.require_known()
        facts.require_separate()
        if facts.mlps and facts.moes:
            raise DoesNotApplyError("it knows layers with experts or without, not both")
        if (dense := facts.dense) is not None:
            return dense.matrices * facts.width * dense.inner, 0
        if (moe := facts.moe) is None or moe.shared:
            raise DoesNotApplyError("it has no shared experts")
        expert = moe.matrices * facts.width * moe.inner
        return moe.per_token * expert, moe.experts * facts.width

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT, Term.MLP, Term.EXPERTS, Term.ROUTER)
        as_wide = Sum.of(Term.PROJECTION_WIDTH, Term.HEAD_WIDTH)
        ends = Sum.of(Term.EMBEDDING_WORK, Term.HEAD)
        again = _PASSES - PASSES
        return PASSES * (layers + ALL_PAIRS) + again * LAYERS_AGAIN + _PASSES * as_wide + ends
