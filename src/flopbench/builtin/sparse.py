"""Attention over chosen keys as one kernel, which reads and multiplies no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from flopbench import Attention, AttentionMode, Linear, PricedOp, hookimpl
from flopbench.builtin.flash import FlashAttention
from flopbench.dims import Dim
from flopbench.ops import Latent, Op


class Sparse(FlashAttention):
    """One kernel over the keys that an indexer chose, and FlashAttention over all others.

    The query at position p = 1, 2, … attends to min(p, chosen) keys (DeepSeek-V3.2,
    arXiv:2512.02556, section 2.1). Where the cache holds latents, each is key and value of all
    heads at once, as in FlashMLA's sparse kernels (github.com/deepseek-ai/FlashMLA): the expansion
    of keys is multiplied into the queries, and that of values into the outputs (DeepSeek-V2,
    arXiv:2405.04434, section 2.1.2). The indexer itself runs as it does in transformers.

    With one query in a step, the keys that it chose are read. With several, every key that the
    step has: how many of them no query chose depends on the data.
    """

    name = "sparse"
    version = "FlashAttention-3"
    summary = "one kernel over the keys that an indexer chose, on latents; otherwise as flash3"
    on_latents = True
    no_backward = "the backward of its kernels is not modelled"

    def unsupported(self, op: Attention) -> str | None:
        if op.chosen is None:
            parts = (part for part in op.expanded() if isinstance(part, Attention))
            return next(filter(None, map(super().unsupported, parts)), None)
        return "the sparse kernel takes no attention bias" if op.bias else None

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        if op.chosen is None:
            return self._dense(op)
        return (self._over_chosen(op),) if op.latent is None else self._on_latents(op, op.latent)

    def _dense(self, op: Attention) -> Iterator[Any]:
        for part in op.expanded():
            yield self.fused(part) if isinstance(part, Attention) else part

    def _over_chosen(self, op: Attention, width: Dim | None = None) -> PricedOp:
        """Return the kernel; ``width`` is that of a key with its value, if not both together."""
        one_query = isinstance(op.queries, int) and op.queries == 1
        keys = op.chosen_pairs if one_query else op.key_visits
        each = op.kv_heads * (op.head_dim + op.value_dim) if width is None else width
        read, queries = op.batch * keys * each, op.query_elements
        outputs = op.batch * op.heads * op.queries * op.value_dim
        return attrs.evolve(
            self.fused(op),
            pairs=op.chosen_pairs,
            inputs=op.steps * queries + (0 if op.cached else read),
            cache_reads=read if op.cached else 0,
            peak_elements=queries + outputs + (0 if op.cached else op.batch * op.last_keys * each),
        )

    def _on_latents(self, op: Attention, latent: Latent) -> Iterator[PricedOp]:
        """Yield the kernel with latents as keys and values, and the products around it."""
        nope = op.head_dim - latent.rope_dim
        yield _of_each_head(op, latent.expansion, nope, latent.rank)
        yield self._over_chosen(
            attrs.evolve(op, kv_heads=1, head_dim=latent.width, value_dim=latent.rank),
            latent.width,
        )
        yield _of_each_head(op, latent.expansion, latent.rank, op.value_dim)


def _of_each_head(op: Attention, expansion: Linear, in_features: Dim, out_features: Dim) -> Linear:
    """Return the product of every token with a head's part of the expansion, for each head."""
    of: Op = expansion
    return Linear(
        component=of.component,
        layers=op.layers * op.heads,
        steps=op.steps,
        unit=of.unit,
        scheme=of.scheme,
        rows=op.batch * op.queries,
        in_features=in_features,
        out_features=out_features,
    )


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the mode."""
    return [Sparse]
