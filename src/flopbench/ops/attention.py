"""The attention core as an operation, to be lowered by an attention mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Self

import attrs
from attrs import frozen

from flopbench.dims import Dim, dim_field, minimum
from flopbench.ops.base import Op, PricedOp
from flopbench.ops.lookups import KvCacheUpdate
from flopbench.ops.matrix import Linear
from flopbench.ops.pairs import QueryKeyPairs


@frozen(kw_only=True, eq=False)
class LatentKeys:
    """What keys and values are expanded from, if the KV cache holds a latent vector per token.

    Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).

    Attributes:
        rank: width of the latent vector.
        rope_dim: width of the rotated key, which all heads share and the cache holds, too.
        expansion: the product that expands the latents of all visited tokens to the keys and values
            of all heads: ``rank`` in, heads x (unrotated key + value) out.
    """

    rank: Dim = dim_field()
    rope_dim: Dim = dim_field()
    expansion: Linear = attrs.field()

    @property
    def width(self) -> Dim:
        """Elements that the cache holds per token."""
        return self.rank + self.rope_dim


@frozen(kw_only=True, eq=False)
class Attention(QueryKeyPairs):
    """An attention core, softmax(Q K^T) V, to be lowered by an attention mode.

    With ``steps`` > 1 it describes decoding: each step has ``queries`` new queries and sees
    ``queries`` more keys than the step before, or the same if ``fixed_keys``.

    Attributes:
        batch: sequences (or windows) that attend separately.
        one_by_one: whether eager attention runs one of them after the other, as the towers do that
            take images of several sizes at once.
        heads: query heads per sequence.
        kv_heads: key and value heads per sequence; a divisor of ``heads``.
        head_dim: width of a query or key head.
        value_dim: width of a value head.
        bias: what else is added to the scores, if anything.
        biases: how many such tensors are added, one after the other.
        bias_of_queries: whether the bias is computed from the queries, which stay alive unscaled
            for it.
        scaled: whether the scale multiplies the scores or, before them, the queries; None if
            nothing is multiplied.
        softcap: whether the scores are capped: cap * tanh(scores / cap).
        softmax_dtype: type of the probabilities when eager attention computes them, if not that of
            activations: transformers' ``eager_attention_forward`` usually passes
            ``dtype=torch.float32``.
        sinks: whether each head has a learned score beside those of the keys; it takes part in
            the softmax and has no value.
        cached: whether keys and values are in a KV cache; otherwise they are activations.
        keeps_cache: whether it also keeps that cache, held and written (`state`); if not, an
            operation of its own does (`KvCacheUpdate`), or an earlier layer, whose keys it uses.
        latent: what keys and values are expanded from, if the cache holds that in their place.
    """

    noun = "attention"
    operand_names = ("queries", "keys", "values")

    batch: Dim = dim_field()
    heads: Dim = dim_field()
    kv_heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    one_by_one: bool = False
    bias: str | None = None
    biases: int = 1
    bias_of_queries: bool = False
    scaled: Literal["scores", "queries"] | None = "scores"
    softcap: bool = False
    softmax_dtype: str | None = "float32"
    sinks: bool = False
    cached: bool = False
    keeps_cache: bool = False
    latent: LatentKeys | None = None

    def __attrs_post_init__(self) -> None:
        grouped = isinstance(self.heads, int) and isinstance(self.kv_heads, int)
        if grouped and (not self.kv_heads or self.heads % self.kv_heads):
            raise ValueError(
                f"attention needs kv_heads that divide heads, got {self.kv_heads} of {self.heads}"
            )
        super().__attrs_post_init__()

    @property
    def outputs(self) -> Dim:
        """Output elements of one layer, summed over the steps."""
        return self.steps * self.batch * self.heads * self.queries * self.value_dim

    @property
    def query_elements(self) -> Dim:
        """Elements of the queries of one step."""
        return self.batch * self.heads * self.queries * self.head_dim

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        keys = self.batch * self.kv_heads * self.last_keys
        return self.query_elements, keys * self.head_dim, keys * self.value_dim

    def weights(self) -> Dim:
        return self.heads if self.sinks else 0

    def state(self) -> Iterator[PricedOp]:
        """Yield the update of the KV cache, while the queries are alive."""
        if not (self.cached and self.keeps_cache):
            return
        width = self.kv_heads * (self.head_dim + self.value_dim)
        if self.latent is not None:
            width = self.latent.width
        yield KvCacheUpdate(
            component=self.component,
            layers=self.layers,
            steps=self.steps,
            new=self.batch * self.queries * width,
            held=self.batch * self._kept * width,
            alive_meanwhile=self.query_elements,
            gives="",
        )

    @property
    def _kept(self) -> Dim:
        """Tokens of each sequence that the cache holds after the last step."""
        last = self.keys + self.queries * (self.steps - 1)
        window: Dim = self.window
        if self.fixed_keys:
            return self.keys
        return minimum(last, window - 1) if self.evicts else last

    def uncached(self) -> Self:
        return attrs.evolve(self, cached=False)

    def expanded(self) -> Iterable[Op]:
        """Yield it with its keys and values: their expansion from the cached latents, and itself.

        The rotated keys, a part of the keys of every head, are read from the cache.
        """
        if self.latent is None:
            return (self,)
        return self._expanded(self.latent)

    def _expanded(self, latent: LatentKeys) -> Iterator[Op]:
        visits = self.batch * self.key_visits
        if self.cached:
            yield KvCacheUpdate(
                component=self.component,
                layers=self.layers,
                new=0,
                held=0,
                cache_reads=visits * latent.rope_dim,
                alive_meanwhile=self.alive_meanwhile,
                unit=self.unit,
                gives="",
            )
        yield latent.expansion
        yield attrs.evolve(self, cached=False, latent=None)
