"""verl: its counter of FLOPs, by type of model."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.builtin.formulas.sizes import MATRICES, projections, require_gated
from flopbench.formulas import CAUSAL_PAIRS, Amount, DoesNotApplyError, Facts, Origin, Sum, Term

_COMMIT = "b178a3cd56f58b2d502255daba591e92833930a7"
_HALF = Fraction(1, 2)

_KNOWS_WINDOWS = ("gemma3", "gpt_oss")


class Verl(Formula):
    """``FlopsCounter``: 6 FLOPs per element of a matrix, and half of the pairs.

    The look-up of tokens counts as a product. Every MLP has three matrices. Layers with experts are
    all alike, except for latent attention, where the first may be dense and experts may be shared.
    """

    name = "verl"
    summary = "6 per element of matrices and of both tables of tokens; half of the pairs"
    origin = Origin(
        "verl, verl/utils/flops_counter.py",
        _COMMIT[:7],
        f"https://github.com/volcengine/verl/blob/{_COMMIT}/verl/utils/flops_counter.py",
    )
    counts = "the products of a step, the look-up of tokens as one, and half of the pairs"
    claims = "perf/mfu in verl's logs"

    def flops(self, facts: Facts) -> Amount:
        facts.require_known()
        if facts.mlps and facts.moes and facts.latent is None:
            raise DoesNotApplyError("it knows layers with experts or without, not both")
        elements = facts.layers * projections(facts) + _feed_forward(facts)
        elements += 2 * facts.vocabulary * facts.width
        return 6 * facts.tokens * elements + _core(facts)

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT, Term.MLP, Term.ROUTER, Term.EXPERTS)
        if facts.latent:
            layers = layers + Term.SHARED
        if (dense := facts.dense) is not None and not dense.gated:
            layers = layers + Term.MLP_MATRIX
        pairs = CAUSAL_PAIRS - _HALF * Sum.of(Term.DIAGONAL, Term.WINDOWED_DIAGONAL)
        if _knows_windows(facts):
            pairs = pairs - _HALF * Sum.of(Term.BEYOND)
        return 3 * (layers + Term.TOKENS + Term.HEAD + pairs)


def _knows_windows(facts: Facts) -> bool:
    return any(name in facts.model for name in _KNOWS_WINDOWS)


def _core(facts: Facts) -> int:
    total = 0
    for group in facts.attention:
        keys = facts.sequence
        if group.window is not None and _knows_windows(facts):
            keys = group.window
        heads = group.heads * (group.head_dim + group.value_dim)
        total += 3 * facts.tokens * keys * group.layers * heads
    return total


def _feed_forward(facts: Facts) -> int:
    total, width = 0, facts.width
    if dense := facts.dense:
        total += dense.layers * MATRICES * width * dense.inner
    if moe := facts.moe:
        require_gated(moe)
        inner = moe.per_token * moe.inner + (moe.shared if facts.latent else 0)
        total += moe.layers * width * (moe.experts + MATRICES * inner)
    return total
