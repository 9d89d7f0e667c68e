"""The attention core as an operation, to be lowered by an attention mode."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from flopbench.dims import Dim, dim_field
from flopbench.ops.pairs import QueryKeyPairs


@frozen(kw_only=True, eq=False)
class Attention(QueryKeyPairs):
    """An attention core, softmax(Q K^T) V, to be lowered by an attention mode.

    With ``steps`` > 1 it describes decoding: each step has ``queries`` new queries and sees
    ``queries`` more keys than the step before.

    Attributes:
        batch: sequences (or windows) that attend separately.
        heads: query heads per sequence.
        kv_heads: key and value heads per sequence; a divisor of ``heads``.
        head_dim: width of a query or key head.
        value_dim: width of a value head.
        bias: what else is added to the scores, if anything.
        bias_of_queries: whether the bias is computed from the queries, which stay alive unscaled
            for it.
        scaled: whether the scale multiplies the scores or, before them, the queries; None if
            nothing is multiplied.
        softcap: whether the scores are capped: cap * tanh(scores / cap).
        sinks: whether each head has a learned score beside those of the keys; it takes part in
            the softmax and has no value.
        cached: whether keys and values are in a KV cache; otherwise they are activations.
    """

    batch: Dim = dim_field()
    heads: Dim = dim_field()
    kv_heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    bias: str | None = None
    bias_of_queries: bool = False
    scaled: Literal["scores", "queries"] | None = "scores"
    softcap: bool = False
    sinks: bool = False
    cached: bool = False

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
