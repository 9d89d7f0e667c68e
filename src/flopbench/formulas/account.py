"""What each term of a model costs: priced from its operations, never as a difference of totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs
from attrs import frozen

from flopbench.conventions import MAC_FLOPS
from flopbench.formulas.facts import Facts
from flopbench.formulas.parameters import matrix_elements
from flopbench.formulas.shapes import SHARED_GATE, is_part
from flopbench.formulas.terms import ALL_PAIRS, LAYERS, Amount, Sum, Term
from flopbench.ops import Attention, ExpertLinear, Op, PricedOp

PADDED_TO = 128
"""What Megatron-LM pads a vocabulary to a multiple of (``--make-vocab-size-divisible-by``)."""

_PARTS: Mapping[str, Term] = {
    "attention/qkv": Term.QKV,
    "attention/out": Term.OUT,
    "mlp": Term.MLP,
    "moe/router": Term.ROUTER,
    "moe/experts": Term.EXPERTS,
    "moe/shared": Term.SHARED,
    "lm_head": Term.HEAD,
}
"""Components of layers, and the products that they are the term of."""

_WORK_PER_WIDTH = 4
"""What EleutherAI's cookbook counts for the embedding of a token, per element of its vector."""


@frozen(eq=False)
class Account:
    """What each term costs in one forward pass of the whole batch.

    Attributes:
        amounts: FLOPs by term; a term that a model has not is 0.
    """

    amounts: Mapping[Term, Amount]

    @classmethod
    def of(cls, ops: Sequence[Op], facts: Facts, repeated: int = 0) -> Account:
        """Return the price of every term.

        Args:
            repeated: FLOPs of the forward work that full recomputation repeats.
        """
        amounts: defaultdict[Term, Amount] = defaultdict(int)
        for op in ops:
            lines = _core(op, facts) if isinstance(op, Attention) else _other(op, facts)
            for term, flops in lines:
                amounts[term] += flops
        amounts |= {**_of_parameters(facts), **_as_others_see_it(facts)}
        amounts[Term.RECOMPUTED] = repeated
        again = LAYERS + ALL_PAIRS
        amounts[Term.LAYERS_AGAIN] = sum(amounts[term] for term in again.counts)
        return cls({term: _whole(amounts[term]) for term in Term})

    def price(self, included: Sum) -> Amount:
        """Return the FLOPs of a sum of terms."""
        return _whole(sum(count * self.amounts[term] for term, count in included.counts.items()))


def _whole(amount: Amount) -> Amount:
    """Return a whole number as an int."""
    return int(amount) if amount == int(amount) else Fraction(amount)


def _other(op: Op, facts: Facts) -> Iterator[tuple[Term, int]]:
    """Yield the matrix work of an operation: once per token, and what it has more or less."""
    if not isinstance(op, PricedOp):
        return
    flops, elements = int(op.layers * op.steps * op.tensor_flops()), matrix_elements(op)
    if is_part(op, "rope"):
        yield Term.ROTARY, flops
    elif not elements:
        yield Term.PRODUCTS, flops
    elif op.weights_shared and op.component != "lm_head":
        yield Term.AGAIN, flops
    else:
        if isinstance(op, ExpertLinear):
            elements = int(elements // op.experts * op.top_k)
        once, term = MAC_FLOPS * facts.tokens * int(op.layers) * elements, _term(op)
        yield term, once
        yield _rows(term, facts), flops - once


def _rows(term: Term, facts: Facts) -> Term:
    """Return the term of what a product has on more or fewer rows than one per token."""
    if term is Term.QKV and facts.latent:
        return Term.LATENTS
    return Term.HEAD_ROWS if term is Term.HEAD else Term.AGAIN


def _term(op: PricedOp) -> Term:
    """Return the term of a product with a matrix."""
    if op.role == SHARED_GATE:
        return Term.SHARED_GATE
    return next((term for part, term in _PARTS.items() if is_part(op, part)), Term.OTHER)


def _core(op: Any, facts: Facts) -> Iterator[tuple[Term, Amount]]:
    """Yield the terms of an attention core: pairs, times what one pair costs."""
    copies = op.layers * op.batch * op.heads
    pair = MAC_FLOPS * copies * (op.head_dim + op.value_dim)
    causal = attrs.evolve(op, window=None, chunked=False, chosen=None, evicts=False)
    every = causal.pairs
    hidden = every - causal.unmasked_pairs
    evicted = every - op.pairs
    yield Term.USEFUL, pair * op.unmasked_pairs
    yield Term.WINDOWS, pair * (causal.unmasked_pairs - op.unmasked_pairs - evicted)
    yield Term.EVICTED, pair * evicted
    yield Term.CAUSAL, pair * hidden
    diagonal = pair * op.steps * op.queries
    if op.window is not None and op.window < op.keys:
        yield Term.WINDOWED_DIAGONAL, diagonal
        yield Term.WINDOW_EDGE, pair * op.window
        yield Term.BEYOND, pair * op.queries * (op.keys - op.window)
    else:
        yield Term.DIAGONAL, diagonal
    yield Term.VALUES, MAC_FLOPS * copies * op.value_dim * every
    yield Term.VALUE_WIDTH, MAC_FLOPS * copies * (op.head_dim - op.value_dim) * every
    as_wide = 2 * MAC_FLOPS * op.layers * op.batch * facts.width
    yield Term.HEAD_WIDTH, as_wide * every - pair * every
    yield Term.BATCH, pair * op.steps * op.queries * (op.batch - 1) * Fraction(op.queries, 2)
    yield Term.SOFTMAX, 3 * copies * every
    yield from _projections(op, facts)


def _projections(op: Any, facts: Facts) -> Iterator[tuple[Term, Amount]]:
    """Yield what projections would cost more if they had other widths."""
    per_element = MAC_FLOPS * facts.tokens * op.layers * facts.width
    missing = (op.heads - op.kv_heads) * (op.head_dim + op.value_dim)
    yield Term.GQA, per_element * missing
    wider = facts.width - op.heads * op.head_dim
    share = 2 * (1 + Fraction(op.kv_heads, op.heads))
    yield Term.PROJECTION_WIDTH, per_element * wider * share


def _of_parameters(facts: Facts) -> dict[Term, int]:
    """Return the work that parameters outside of products would be, if each were in one."""
    found, once = facts.parameters, MAC_FLOPS * facts.tokens
    return {
        Term.TOKENS: once * facts.vocabulary * facts.width,
        Term.POSITIONS: once * found.positions,
        Term.NORMS: once * found.norms,
        Term.ATTENTION_NORMS: once * found.attention_norms,
        Term.BIASES: once * (found.biases + found.active_expert_biases),
        Term.SINKS: once * found.sinks,
        Term.UNNAMED: once * found.other,
        Term.INACTIVE: once * found.inactive,
    }


def _as_others_see_it(facts: Facts) -> dict[Term, int]:
    """Return work that a model does not do, and formulas count."""
    once = MAC_FLOPS * facts.tokens * facts.width
    padded = -(-facts.vocabulary // PADDED_TO) * PADDED_TO
    return {
        Term.MLP_MATRIX: once * sum(group.layers * group.inner for group in facts.mlps),
        Term.EMBEDDING_WORK: _WORK_PER_WIDTH * facts.tokens * facts.width,
        Term.PADDING: once * (padded - facts.vocabulary),
    }
