"""Eager attention: the scores are materialised in full, masked entries included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from flopbench import (
    Attention,
    AttentionMode,
    Elementwise,
    MatMul,
    PricedOp,
    Recurrence,
    Softmax,
    hookimpl,
)
from flopbench.dims import Dim, at_most_one
from flopbench.ops.tensors import Tensor


class Eager(AttentionMode):
    """Attention as a chain of PyTorch ops: Q K^T, scale, mask or bias, softmax, times V.

    Each op of the chain reads the scores and writes new ones. The peak is that of the last
    step, which sees the most keys. Recurrences run as transformers runs them.
    """

    name = "eager"
    summary = "materialised scores, as the vendor model runs; must match its count"
    matches_vendor = True
    carries = (Attention, Recurrence)

    def lower(self, op: Attention | Recurrence) -> Iterable[PricedOp]:
        return op.as_run() if isinstance(op, Recurrence) else self._attention(op)

    def _attention(self, op: Attention) -> Iterator[PricedOp]:
        sizes = _Sizes.of(op)
        yield from _scores(op, sizes)
        yield from _changes_of_scores(op, sizes)
        yield _softmax(op, sizes)
        yield _product(
            op,
            takes=("scores", "values"),
            k=op.key_visits,
            n=op.value_dim,
            reads=sizes.scores,
            writes=op.outputs,
            operand=op.value_dim,
            peak_elements=sizes.last_scores + sizes.waiting + sizes.last_outputs,
            last_result=sizes.last_outputs,
            makes=(_of_heads(op, "attention outputs", op.queries, op.value_dim),),
        )


@frozen(eq=False)
class _Sizes:
    """Elements of the chain's tensors: over all steps, or in the ``last``.

    Attributes:
        last_scores, last_outputs: of one sequence, if they run one by one.
        queries: of one step.
        inputs: queries, and keys and values unless a cache holds them.
        waiting: what of the inputs stays alive beside the scores: values, and all that the
            sequences need which run later.
    """

    scores: Dim
    last_scores: Dim
    queries: Dim
    inputs: Dim
    waiting: Dim
    last_outputs: Dim

    @classmethod
    def of(cls, op: Attention) -> _Sizes:
        together = _together(op)
        heads, visited = together * op.heads, op.kv_heads * op.last_keys
        keys, values = (0 if op.cached else visited * n for n in (op.head_dim, op.value_dim))
        one = op.heads * op.queries * op.head_dim + keys + values
        return cls(
            scores=op.batch * op.heads * op.pairs,
            last_scores=heads * op.queries * op.last_keys,
            queries=op.query_elements,
            inputs=op.batch * one,
            waiting=together * values + (op.batch - together) * one,
            last_outputs=heads * op.queries * op.value_dim,
        )


def _together(op: Attention) -> Dim:
    """Return how many sequences run at once."""
    return at_most_one(op.batch) if op.one_by_one else op.batch


def _scores(op: Attention, sizes: _Sizes) -> Iterator[PricedOp]:
    """Yield the scale of the queries, if they are scaled, and Q K^T."""
    moved = op.steps * sizes.queries
    if op.scaled == "queries":
        alive = sizes.inputs + sizes.queries
        last = sizes.queries
        yield _elementwise(
            op,
            "multiply",
            moved,
            last,
            takes=("queries",),
            gives="queries",
            makes=(_of_heads(op, "scaled queries", op.queries, op.head_dim),),
            reads=moved,
            peak_elements=alive,
        )
    unscaled = sizes.queries if op.bias_of_queries and op.scaled == "queries" else 0
    # With one query per step the rows of all steps form one product over the visited keys.
    yield _product(
        op,
        takes=("queries", "keys"),
        gives="scores",
        k=op.head_dim,
        n=op.key_visits,
        reads=moved,
        writes=sizes.scores,
        operand=op.head_dim,
        peak_elements=sizes.inputs + sizes.last_scores + unscaled,
        last_result=sizes.last_scores,
        makes=(
            # Of a group of query heads, its keys and values are copied to each; those of a cache
            # are joined with the new ones.
            _of_heads(op, "keys of all heads", op.last_keys, op.head_dim),
            _of_heads(op, "values of all heads", op.last_keys, op.value_dim),
            _named_scores(op),
        ),
    )


def _named_scores(op: Attention) -> Tensor:
    return _of_heads(op, "attention scores", op.queries, op.last_keys)


def _of_heads(op: Attention, name: str, rows: Dim, width: Dim, dtype: str | None = None) -> Tensor:
    return Tensor(name, (_together(op), op.heads, rows, width), dtype)


def _changes_of_scores(op: Attention, sizes: _Sizes) -> Iterator[PricedOp]:
    """Yield the scale, the cap, the mask and the bias, each if there is one."""
    scores, last, two = sizes.scores, sizes.last_scores, 2 * sizes.last_scores + sizes.waiting
    if op.scaled == "scores":
        yield _elementwise(op, "multiply", scores, last, reads=scores, peak_elements=two)
    if op.softcap:
        yield _elementwise(op, "softcap", scores, last, peak_elements=two)
    if op.causal and op.masked == "added":
        # One mask for all heads of a sequence.
        mask, last_mask = op.batch * op.pairs, _together(op) * op.queries * op.last_keys
        reads = scores + mask
        yield _elementwise(op, "add", scores, last, reads=reads, peak_elements=two + last_mask)
    for _ in range(op.biases if op.bias else 0):
        yield _elementwise(op, "add", scores, last, peak_elements=two + last)


def _softmax(op: Attention, sizes: _Sizes) -> Softmax:
    # Sinks are one more column of scores; its probabilities are dropped afterwards.
    column = op.heads * op.queries if op.sinks else 0
    sinks, last_sinks = op.batch * op.steps * column, _together(op) * column
    columns = op.last_keys + (1 if op.sinks else 0)
    return Softmax(
        component=op.component,
        layers=op.layers,
        takes=("scores",),
        gives="scores",
        scores=sizes.scores + sinks,
        lookup_weights=op.heads if op.sinks else 0,
        lookup_reads=op.steps * op.heads if op.sinks else 0,
        peak_elements=2 * (sizes.last_scores + last_sinks) + sizes.waiting,
        last_result=sizes.last_scores + last_sinks,
        makes=(_of_heads(op, "attention probabilities", op.queries, columns, op.softmax_dtype),),
    )


def _elementwise(
    op: Attention, function: str, outputs: Dim, last: Dim, **moved: Any
) -> Elementwise:
    return Elementwise(
        component=op.component,
        layers=op.layers,
        function=function,
        outputs=outputs,
        last_result=last,
        **({"takes": ("scores",), "gives": "scores", "makes": (_named_scores(op),)} | moved),
    )


def _product(op: Attention, *, k: Dim, n: Dim, operand: Dim, reads: Dim, **sizes: Any) -> MatMul:
    """Return a product with the keys or the values, ``operand`` elements wide."""
    visited = op.batch * op.kv_heads * operand * op.key_visits
    return MatMul(
        component=op.component,
        layers=op.layers,
        batch=op.batch * op.heads,
        m=op.queries,
        k=k,
        n=n,
        reads=reads if op.cached else reads + visited,
        cache_reads=visited if op.cached else 0,
        **sizes,
    )


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the eager mode."""
    return [Eager]
