"""Eager attention: the scores are materialised in full, masked entries included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flopbench import Attention, AttentionMode, Elementwise, MatMul, PricedOp, Softmax, hookimpl
from flopbench.dims import Dim


class Eager(AttentionMode):
    """Attention as a chain of PyTorch ops: Q K^T, scale, mask or bias, softmax, times V.

    Each op of the chain reads the scores and writes new ones. What is alive at once is that
    of the last step, which sees the most keys.
    """

    name = "eager"
    summary = "materialised scores, as the vendor model runs; must match its count"
    matches_vendor = True

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        def elementwise(function: str, outputs: Dim, **moved: Any) -> Elementwise:
            return Elementwise(
                component=op.component,
                layers=op.layers,
                function=function,
                outputs=outputs,
                **moved,
            )

        heads = op.batch * op.heads
        scores, last_scores = heads * op.pairs, heads * op.queries * op.last_keys
        queries = op.query_elements
        values = 0 if op.cached else op.batch * op.kv_heads * op.value_dim * op.last_keys
        keys = 0 if op.cached else op.batch * op.kv_heads * op.head_dim * op.last_keys
        if op.scaled == "queries":
            live = 2 * queries + keys + values
            yield elementwise("multiply", op.steps * queries, reads=op.steps * queries, live=live)
        unscaled = queries if op.bias_of_queries and op.scaled == "queries" else 0
        # With one query per step the rows of all steps form one product over the visited keys.
        yield _product(
            op,
            k=op.head_dim,
            n=op.key_visits,
            reads=op.steps * queries,
            writes=scores,
            operand=op.head_dim,
            live=queries + keys + last_scores + values + unscaled,
        )
        if op.scaled == "scores":
            yield elementwise("multiply", scores, reads=scores, live=2 * last_scores + values)
        if op.softcap:
            yield elementwise("softcap", scores, live=2 * last_scores + values)
        if op.causal and op.masked == "added":
            # One mask for all heads of a sequence.
            mask, last_mask = op.batch * op.pairs, op.batch * op.queries * op.last_keys
            live = 2 * last_scores + last_mask + values
            yield elementwise("add", scores, reads=scores + mask, live=live)
        if op.bias:
            yield elementwise("add", scores, live=3 * last_scores + values)
        # Sinks are one more column of scores; the probabilities of the others go on.
        sinks, last_sinks = (heads * op.queries * n if op.sinks else 0 for n in (op.steps, 1))
        yield Softmax(
            component=op.component,
            layers=op.layers,
            scores=scores + sinks,
            table=op.heads if op.sinks else 0,
            table_reads=op.steps * op.heads if op.sinks else 0,
            live=2 * (last_scores + last_sinks) + values,
        )
        yield _product(
            op,
            k=op.key_visits,
            n=op.value_dim,
            reads=scores,
            writes=op.outputs,
            operand=op.value_dim,
            live=last_scores + values + op.batch * op.heads * op.queries * op.value_dim,
        )


def _product(
    op: Attention, *, k: Dim, n: Dim, reads: Dim, writes: Dim, operand: Dim, live: Dim
) -> MatMul:
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
        writes=writes,
        cache_reads=visited if op.cached else 0,
        live=live,
    )


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the eager mode."""
    return [Eager]
