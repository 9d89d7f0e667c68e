"""The formulas of papers: scaling laws, and PaLM's definition of MFU."""

from __future__ import annotations

from flopbench import Formula
from flopbench.formulas import (
    ACTIVE,
    ALL_PAIRS,
    LAYERS,
    SMALL,
    Amount,
    Facts,
    Origin,
    Sum,
    Term,
)

KAPLAN = Origin(
    "Kaplan et al., Scaling Laws for Neural Language Models",
    "arXiv:2001.08361",
    "https://arxiv.org/abs/2001.08361",
)


def every_parameter(facts: Facts) -> Sum:
    """Return all parameters as terms, each once; a tied embedding is in the LM head."""
    found = ACTIVE + Term.INACTIVE
    return found if facts.tied else found + Term.TOKENS


class SixNd(Formula):
    """C = 6 N D, with all parameters as N (section 2.1, where N leaves embeddings out)."""

    name = "6nd"
    summary = "6 N per token, N: all parameters"
    origin = KAPLAN
    counts = "a forward and a backward product with every parameter; no attention"
    claims = "compute budgets of scaling laws; the training FLOPs that model cards give"

    def flops(self, facts: Facts) -> Amount:
        return 6 * facts.tokens * facts.parameters.all

    def includes(self, facts: Facts) -> Sum:
        return 3 * every_parameter(facts)


class SixNdActive(Formula):
    """6 N D with the parameters of active experts, and without embeddings."""

    name = "6nd_active"
    summary = "6 N per token, N: active parameters without embeddings"
    origin = KAPLAN
    counts = "products with the parameters that a token uses; no attention"
    claims = "compute of mixtures of experts, as 6 x active parameters"

    def flops(self, facts: Facts) -> Amount:
        found = facts.parameters
        return 6 * facts.tokens * (found.active - found.tokens - found.positions)

    def includes(self, facts: Facts) -> Sum:
        return 3 * (ACTIVE - Term.POSITIONS)


class Kaplan(Formula):
    """Equation 2.2: C_forward = 2 N + 2 n_layer n_ctx d_attn per token, and twice that backward.

    N leaves out all embeddings, and with them the LM head. Table 1 has one product of queries and
    keys for the attention: that with the values is not in it, or both are for half of the pairs.
    """

    name = "kaplan"
    summary = "6 N + 6 layers x context x width of attention, N: without embeddings and LM head"
    origin = KAPLAN
    counts = "products with non-embedding parameters, and one product of attention over all pairs"
    claims = "the non-embedding compute of Kaplan's scaling laws"

    def flops(self, facts: Facts) -> Amount:
        found = facts.parameters
        non_embedding = found.all - found.tokens - found.positions - found.head
        attention = facts.layers * facts.sequence * facts.heads * facts.head_dim
        return 6 * facts.tokens * (non_embedding + attention)

    def includes(self, facts: Facts) -> Sum:
        parameters = LAYERS + SMALL + Term.INACTIVE - Term.POSITIONS
        return 3 * (parameters + ALL_PAIRS - Term.VALUES)


class Chinchilla(Formula):
    """Appendix F: every product of a dense transformer, embedding and softmax among them."""

    name = "chinchilla"
    summary = "all products of a dense transformer, the look-up of tokens as one, and the softmax"
    origin = Origin(
        "Hoffmann et al., Training Compute-Optimal Large Language Models, appendix F",
        "arXiv:2203.15556",
        "https://arxiv.org/abs/2203.15556",
    )
    counts = "embeddings as a product, as many keys as queries, all pairs, an MLP of two matrices"
    claims = "the budgets of Chinchilla's scaling laws"

    def flops(self, facts: Facts) -> Amount:
        facts.require_dense()
        facts.require_known()
        facts.require_separate()
        tokens, width, inner = facts.tokens, facts.width, _inner(facts)
        attended = facts.heads * facts.head_dim
        pairs = tokens * facts.sequence
        embedding = 2 * tokens * facts.vocabulary * width
        attention = 6 * tokens * width * attended + 2 * tokens * attended * width
        core = 2 * pairs * attended + 3 * facts.heads * pairs + 2 * pairs * attended
        layer = attention + core + 2 * tokens * (2 * width * inner)
        forward = embedding + facts.layers * layer + 2 * tokens * width * facts.vocabulary
        return 3 * forward

    def includes(self, facts: Facts) -> Sum:
        projections = Sum.of(Term.QKV, Term.GQA, Term.OUT)
        mlp = Sum.of(Term.MLP) - Term.MLP_MATRIX if _gated(facts) else Sum.of(Term.MLP)
        ends = Sum.of(Term.TOKENS, Term.HEAD)
        return 3 * (ends + projections + mlp + ALL_PAIRS + Term.SOFTMAX)


def _inner(facts: Facts) -> int:
    dense = facts.dense
    return dense.inner if dense else 0


def _gated(facts: Facts) -> bool:
    dense = facts.dense
    return dense is not None and dense.gated


class Palm(Formula):
    """Appendix B: 6 N + 12 L H Q T per token, with all parameters as N."""

    name = "palm"
    summary = "6 N + 12 L H Q T per token, N: all parameters"
    origin = Origin(
        "Chowdhery et al., PaLM: Scaling Language Modeling with Pathways, appendix B",
        "arXiv:2204.02311",
        "https://arxiv.org/abs/2204.02311",
    )
    counts = "products with every parameter, and attention over all pairs"
    claims = "the MFU of PaLM, and of those who cite its appendix B with all parameters"

    def flops(self, facts: Facts) -> Amount:
        attention = 12 * facts.layers * facts.heads * facts.head_dim * facts.sequence
        return facts.tokens * (6 * facts.parameters.all + attention)

    def includes(self, facts: Facts) -> Sum:
        return 3 * (every_parameter(facts) + ALL_PAIRS + Term.VALUE_WIDTH)
