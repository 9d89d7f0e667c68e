"""Eager attention: the scores are materialised in full, masked entries included."""

from __future__ import annotations

from collections.abc import Iterable

from flopbench.attention import AttentionMode
from flopbench.hookspecs import hookimpl
from flopbench.ops import Attention, Elementwise, MatMul, PricedOp, Softmax


class Eager(AttentionMode):
    """Attention as a chain of PyTorch ops: Q K^T, scale, mask or bias, softmax, times V."""

    name = "eager"
    summary = "materialised scores, as the vendor model runs; must match its count"
    matches_vendor = True

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        def elementwise(function: str, outputs: object) -> Elementwise:
            return Elementwise(
                component=op.component, layers=op.layers, function=function, outputs=outputs
            )

        heads = op.batch * op.heads
        scores = heads * op.pairs
        queries = op.steps * heads * op.queries * op.head_dim
        yield elementwise("multiply", scores if op.scaled == "scores" else queries)
        # With one query per step the rows of all steps form one product over the visited keys.
        yield _product(op, k=op.head_dim, n=op.key_visits)
        if op.causal:
            yield elementwise("add", scores)
        if op.bias:
            yield elementwise("add", scores)
        yield Softmax(component=op.component, layers=op.layers, scores=scores)
        yield _product(op, k=op.key_visits, n=op.value_dim)


def _product(op: Attention, k: object, n: object) -> MatMul:
    return MatMul(
        component=op.component,
        layers=op.layers,
        batch=op.batch * op.heads,
        m=op.queries,
        k=k,
        n=n,
    )


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the eager mode."""
    return [Eager]
