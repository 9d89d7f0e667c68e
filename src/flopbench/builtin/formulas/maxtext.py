"""MaxText: every product by its sizes, attention over half of the pairs, some models' windows."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.builtin.formulas.sizes import projections
from flopbench.formulas import (
    CAUSAL_PAIRS,
    Amount,
    AttentionLayers,
    DoesNotApplyError,
    Facts,
    Origin,
    Sum,
    Term,
)

_COMMIT = "e591f30cbbf217ed67ef71263ec0538239f9c3b8"
_HALF = Fraction(1, 2)
_EVERY = {"gemma2": 2, "gemma3": 6, "gpt_oss": 2}
"""Models whose windows it knows: one layer in so many sees all keys."""


class MaxText(Formula):
    """``calculate_tflops_training_per_device``, in FLOPs, for decoders that the zoo here has.

    It knows the windows of Gemma 2, Gemma 3 and gpt-oss by the model's kind, and no others: W keys
    per query less half of W squared, over a sequence.
    """

    name = "maxtext"
    summary = "all products by their sizes; attention over S x S / 2 pairs, or those of windows"
    origin = Origin(
        "MaxText, src/maxtext/utils/maxtext_utils.py, calculate_tflops_training_per_device",
        _COMMIT[:7],
        f"https://github.com/AI-Hypercomputer/maxtext/blob/{_COMMIT}"
        "/src/maxtext/utils/maxtext_utils.py",
    )
    counts = "the products of a step, routers among them, and half of the pairs"
    claims = "the TFLOP/s/device that MaxText logs"

    def flops(self, facts: Facts) -> Amount:
        facts.require_known()
        tokens = facts.tokens
        weights = _feed_forward(facts) + facts.layers * projections(facts)
        weights += facts.width * facts.vocabulary
        return 6 * tokens * weights + self._core(facts)

    def _core(self, facts: Facts) -> int:
        known = _windows_known(facts)
        heads = facts.heads * (facts.head_dim + facts.value_dim)
        pairs = sum(_twice_the_pairs(facts, group, known) for group in facts.attention)
        return 3 * facts.batch * heads * pairs

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT, Term.MLP, Term.ROUTER, Term.EXPERTS, Term.SHARED)
        edges = Sum.of(Term.DIAGONAL, Term.WINDOWED_DIAGONAL)
        pairs = CAUSAL_PAIRS
        if _windows_known(facts):
            edges = Sum.of(Term.DIAGONAL, Term.WINDOW_EDGE)
            pairs = Sum.of(Term.USEFUL)
        return 3 * (layers + Term.HEAD + pairs - _HALF * edges)


def _windows_known(facts: Facts) -> bool:
    """Return whether it knows the windows of such a model."""
    every = next((number for name, number in _EVERY.items() if name in facts.model), None)
    if every is None or not facts.windowed_layers:
        return False
    if facts.layers - facts.windowed_layers != facts.layers // every:
        raise DoesNotApplyError(f"in such a model, one layer in {every} sees all keys")
    return True


def _twice_the_pairs(facts: Facts, group: AttentionLayers, known: bool) -> int:
    """Return twice the pairs of a group of layers, in one sequence."""
    length, window = facts.sequence, group.window
    if window is None or not known:
        return group.layers * length * length
    return group.layers * (2 * length * window - window * window)


def _feed_forward(facts: Facts) -> int:
    """Return the elements that a token uses in MLPs, routers and experts of all layers."""
    total, width = 0, facts.width
    if dense := facts.dense:
        total += dense.layers * dense.matrices * width * dense.inner
    if moe := facts.moe:
        inner = moe.per_token * moe.inner + moe.shared
        total += moe.layers * width * (moe.experts + moe.matrices * inner)
    return total
