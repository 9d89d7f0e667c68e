"""The terms in which formulas are explained, and sums of them.

A term is work of one forward pass, in FLOPs, that `flopbench.formulas.account` prices from a
model's operations. A formula says how often it includes each: 3 times in a training step, for the
forward pass and the two products of the backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction

from attrs import field, frozen

from flopbench.inputs.numbers import MOST, quoted

Amount = int | Fraction
"""A number of FLOPs, exact."""

_MOST = MOST**10
"""The largest part of an amount: its shares and products still have a floating-point number."""


def exact(what: str, amount: object) -> Amount:
    """Return an amount after checking it.

    Raises:
        TypeError: it is neither an int nor a Fraction.
        ValueError: it is larger than any work is.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | Fraction):
        raise TypeError(f"{what} must be an int or a Fraction, got {quoted(amount)}")
    if max(abs(amount.numerator), amount.denominator) > _MOST:
        raise ValueError(f"{what} must be of at most {len(str(_MOST)) - 1} digits")
    return amount


class Term(StrEnum):
    """A part of a model's work, or of what formulas take for work; its value is its name.

    Some overlap: a formula includes one, and subtracts a part of it by another.
    """

    QKV = "query, key and value projections"
    OUT = "output projection"
    MLP = "MLP"
    ROUTER = "router"
    EXPERTS = "routed experts"
    SHARED = "shared experts"
    SHARED_GATE = "gate of the shared experts"
    OTHER = "other matrices"
    HEAD = "LM head"
    PRODUCTS = "other products of activations"

    HEAD_ROWS = "LM head on some positions only"
    LATENTS = "latents expanded again"
    AGAIN = "weights used more or less than once per token"

    USEFUL = "attention that the masks leave"
    WINDOWS = "causal attention outside the windows"
    EVICTED = "keys that have left the cache"
    CAUSAL = "causal half"
    DIAGONAL = "diagonal of the causal half"
    WINDOWED_DIAGONAL = "diagonal in layers with a window"
    WINDOW_EDGE = "edge of the windows"
    BEYOND = "keys beyond the window of each query"
    VALUES = "product with the values"
    VALUE_WIDTH = "values as wide as the keys"
    HEAD_WIDTH = "heads that share the model's width"
    BATCH = "batch taken for one sequence"
    SOFTMAX = "softmax, three per score"

    TOKENS = "token embedding"
    POSITIONS = "position embedding"
    NORMS = "norms"
    ATTENTION_NORMS = "norms within attention"
    BIASES = "biases"
    SINKS = "attention sinks"
    INACTIVE = "inactive experts"
    UNNAMED = "other parameters"

    GQA = "as many keys and values as queries (no GQA)"
    PROJECTION_WIDTH = "projections as wide as the model"
    MLP_MATRIX = "one matrix of the MLP"
    EMBEDDING_WORK = "work on embeddings"
    PADDING = "padded vocabulary"

    RECOMPUTED = "full recomputation"
    LAYERS_AGAIN = "the layers' forward pass once more"
    ROTARY = "rotary angles"


def _checked(counts: Mapping[Term, Amount]) -> dict[Term, Amount]:
    """Return the counts that are not zero, after checking each."""
    for term in counts:
        if not isinstance(term, Term):
            raise TypeError(f"a sum is of terms, got {quoted(term)}")
    every = {term: exact(f"how often {term!s} is included", n) for term, n in counts.items()}
    return {term: count for term, count in every.items() if count}


@frozen
class Sum:
    """How often each term is included: ``3 * (MATRICES + Term.USEFUL)``, and so on.

    Raises:
        TypeError: what is added is no term, or how often is neither an int nor a Fraction.
        ValueError: how often is larger than any work is.
    """

    counts: Mapping[Term, Amount] = field(converter=_checked)

    @classmethod
    def of(cls, *terms: Term) -> Sum:
        """Return the sum of terms, each once."""
        return cls(dict.fromkeys(terms, 1))

    def times(self, term: Term) -> Amount:
        """Return how often a term is included."""
        return self.counts.get(term, 0)

    def __add__(self, other: Sum | Term) -> Sum:
        more = as_sum(other).counts
        return Sum({term: self.times(term) + more.get(term, 0) for term in {**self.counts, **more}})

    def __sub__(self, other: Sum | Term) -> Sum:
        return self + (-1) * as_sum(other)

    def __rmul__(self, factor: Amount) -> Sum:
        times = exact("the factor of a sum", factor)
        return Sum({term: times * count for term, count in self.counts.items()})


def as_sum(given: Sum | Term) -> Sum:
    """Return a term as a sum.

    Raises:
        TypeError: it is neither: ``3 * Term.USEFUL`` is a text, as that of any other text is.
    """
    if isinstance(given, Sum):
        return given
    if not isinstance(given, Term):
        raise TypeError(
            f"a sum is of terms and sums, such as Sum.of(Term.HEAD), got {quoted(given)}"
        )
    return Sum.of(given)


LAYERS = Sum.of(
    Term.QKV,
    Term.OUT,
    Term.MLP,
    Term.ROUTER,
    Term.EXPERTS,
    Term.SHARED,
    Term.SHARED_GATE,
    Term.OTHER,
)
"""Products with the matrices of layers, each once per token; those of active experts."""

MATRICES = LAYERS + Term.HEAD
"""Those of layers, and the LM head."""

SMALL = Sum.of(
    Term.POSITIONS,
    Term.NORMS,
    Term.ATTENTION_NORMS,
    Term.BIASES,
    Term.SINKS,
    Term.UNNAMED,
)
"""Parameters that are in no product, besides the token embedding, as if each were in one."""

ACTIVE = MATRICES + SMALL
"""All parameters of active experts and of everything else, except an untied token embedding."""

CAUSAL_PAIRS = Sum.of(Term.USEFUL, Term.WINDOWS)
"""The attention of pairs of a query with a key up to its own, as if there were no windows."""

ALL_PAIRS = CAUSAL_PAIRS + Term.CAUSAL
"""The attention of all pairs, as eager attention computes it."""
