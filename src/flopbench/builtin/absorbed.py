"""Latent attention as engines decode it: the expansion absorbed into queries and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from flopbench import Attention, AttentionMode, FusedAttention, Linear, PricedOp, hookimpl
from flopbench.builtin.flash import Flash3
from flopbench.dims import Dim, is_one
from flopbench.ops.attention import LatentKeys


class Absorbed(Flash3):
    """Multi-head latent attention on the latents as the cache holds them (DeepSeek-V2, 2.1.2).

    The key of head h at position j is K_h c_j, with c_j the latent that the cache holds, so

        q_h . (K_h c_j) = (K_h' q_h) . c_j   and   sum_j p_j (V_h c_j) = V_h (sum_j p_j c_j).

    The products with K_h' and V_h run once per query, in the place of one expansion per cached
    token. The core then has queries and keys of rank + rope_dim elements, values of rank elements,
    and one key head: the latents are read once for all heads, as keys and as values. vLLM and
    SGLang decode so (FlashMLA is such a kernel). A pass over several new tokens of a sequence, or
    over its first ones, expands keys and values, as these engines do, and runs as ``flash3``.
    """

    name = "absorbed"
    summary = "latent attention decodes on cached latents, as serving engines do; else as flash3"
    no_backward = "it is for decoding"

    def on_latents(self, op: Attention) -> bool:
        return op.resumed and is_one(op.queries)

    def unsupported(self, op: Attention) -> str | None:
        if op.latent is None:
            return super().unsupported(op)
        # FlashMLA, a kernel of its own, takes the wide heads.
        return super().unsupported(attrs.evolve(op, head_dim=1, value_dim=1))

    def lower(self, op: Attention) -> Iterable[PricedOp]:
        return super().lower(op) if op.latent is None else self._on_latents(op, op.latent)

    def _on_latents(self, op: Attention, latent: LatentKeys) -> Iterator[PricedOp]:
        unrotated = op.head_dim - latent.rope_dim
        yield self._per_head(op, latent, unrotated, latent.rank)
        yield self._core(op, latent)
        yield self._per_head(op, latent, latent.rank, op.value_dim)

    def _per_head(self, op: Attention, latent: LatentKeys, width: Dim, made: Dim) -> Linear:
        """Return the product of each head's vectors with its own part of the expansion."""
        tokens = op.batch * op.queries
        product: Linear = latent.expansion
        return attrs.evolve(
            product,
            layers=op.layers * op.heads,
            steps=op.steps,
            passes=1,
            rows=tokens,
            in_features=width,
            out_features=made,
            reads=None,
            cache_reads=0,
            peak_elements=op.heads * tokens * (width + made),
            last_result=op.heads * tokens * made,
        )

    def _core(self, op: Attention, latent: LatentKeys) -> FusedAttention:
        as_cached = attrs.evolve(
            op,
            kv_heads=1,
            head_dim=latent.width,
            value_dim=latent.rank,
            latent=None,
        )
        # Values are a part of the keys: the cache is read once.
        reads = op.batch * latent.width * self.keys_read(op)
        return attrs.evolve(self.fused(as_cached), cache_reads=reads)


@hookimpl
def flopbench_attention_modes() -> list[type[AttentionMode]]:
    """Contribute the mode."""
    return [Absorbed]
