"""Megatron-LM and Megatron-Bridge: every product by its sizes, attention over half of the pairs."""

from __future__ import annotations

from fractions import Fraction

from flopbench import Formula
from flopbench.formulas import (
    CAUSAL_PAIRS,
    Amount,
    DoesNotApplyError,
    Facts,
    Latent,
    Origin,
    Sum,
    Term,
)

_LM = "d98e8a64ddf34856e74b24714e3bedb2f5a39553"
_BRIDGE = "067f987df03b8355b03192d88d70f1709fedf51a"
_PADDED_TO = 128
"""Default of both: the vocabulary is padded to a multiple of this (on one tensor-parallel rank)."""
_HALF = Fraction(1, 2)


class MegatronLm(Formula):
    """``num_floating_point_operations`` for a transformer, its multi-token prediction left out."""

    name = "megatron_lm"
    summary = "all products by their sizes, without routers; attention over S x S / 2 pairs"
    origin = Origin(
        "Megatron-LM, megatron/training/training.py, num_floating_point_operations",
        _LM[:7],
        f"https://github.com/NVIDIA/Megatron-LM/blob/{_LM}/megatron/training/training.py",
    )
    counts = "the products of a step, half of the pairs, and a padded vocabulary"
    claims = "the throughput per GPU (TFLOP/s/GPU) that Megatron-LM logs"

    def flops(self, facts: Facts) -> Amount:
        facts.require_known()
        latent = facts.latent
        if latent is None:
            facts.require_separate()
        padded = -(-facts.vocabulary // _PADDED_TO) * _PADDED_TO
        per_layer = _latent(facts, latent) if latent else _grouped(facts)
        linear = _feed_forward(facts) + facts.layers * per_layer + facts.width * padded
        return 6 * facts.tokens * linear + self.core(facts)

    def core(self, facts: Facts) -> int:
        """Return the FLOPs of the cores of all layers."""
        heads = facts.heads * (facts.head_dim + facts.value_dim)
        return 3 * facts.tokens * facts.sequence * facts.layers * heads

    def includes(self, facts: Facts) -> Sum:
        layers = Sum.of(Term.QKV, Term.OUT, Term.MLP, Term.EXPERTS, Term.SHARED)
        norms = Sum.of(Term.ATTENTION_NORMS) if facts.latent else Sum({})
        return 3 * (layers + norms + Term.HEAD + Term.PADDING + self.pairs())

    def pairs(self) -> Sum:
        """Return the pairs that attention is counted for."""
        return CAUSAL_PAIRS - _HALF * Sum.of(Term.DIAGONAL, Term.WINDOWED_DIAGONAL)


class MegatronBridge(MegatronLm):
    """The same in Megatron-Bridge, which knows windows: their pairs are exact."""

    name = "megatron_bridge"
    summary = "as Megatron-LM, with the exact pairs of layers with a window"
    origin = Origin(
        "Megatron-Bridge, training/utils/flop_utils.py, num_floating_point_operations",
        _BRIDGE[:7],
        f"https://github.com/NVIDIA-NeMo/Megatron-Bridge/blob/{_BRIDGE}"
        "/src/megatron/bridge/training/utils/flop_utils.py",
    )
    counts = "the products of a step, half of the pairs or those of windows, a padded vocabulary"
    claims = "the throughput per GPU (MODEL_TFLOP/s/GPU) that Megatron-Bridge logs"

    def core(self, facts: Facts) -> int:
        total, length = 0, facts.sequence
        for group in facts.attention:
            twice = length * length
            if group.window is not None:
                twice = 2 * length * group.window - group.window * (group.window - 1)
            heads = group.heads * (group.head_dim + group.value_dim)
            total += 3 * facts.batch * twice * group.layers * heads
        return total

    def pairs(self) -> Sum:
        return Sum.of(Term.USEFUL) - _HALF * Sum.of(Term.DIAGONAL)


def _grouped(facts: Facts) -> int:
    """Return the elements of a layer's projections."""
    queries, keys = facts.heads * facts.head_dim, facts.kv_heads * facts.head_dim
    return facts.width * (queries + 2 * keys) + queries * facts.width


def _latent(facts: Facts, latent: Latent) -> int:
    """Return those of latent attention, and the weights of its two norms."""
    width, heads, rank = facts.width, facts.heads, latent.kv_rank
    unrotated = facts.head_dim - latent.rope_dim
    queries = width * heads * facts.head_dim
    if latent.query_rank is not None:
        queries = latent.query_rank * (width + heads * facts.head_dim + 1)
    expanded = rank * (width + heads * (unrotated + facts.value_dim) + 1)
    return queries + expanded + width * latent.rope_dim + heads * facts.value_dim * width


def _feed_forward(facts: Facts) -> int:
    """Return the elements that a token uses in the MLPs and experts of all layers."""
    dense, moe = facts.dense, facts.moe
    if dense and moe and dense.gated != moe.gated:
        raise DoesNotApplyError("its MLPs and experts are gated alike")
    total = 0
    if dense:
        total += dense.layers * dense.matrices * dense.inner
    if moe:
        inner = moe.per_token * moe.inner + moe.shared
        total += moe.layers * moe.matrices * inner
    return facts.width * total
