"""Attention in one kernel that never stores its scores."""

from __future__ import annotations

from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, dim_field
from flopbench.ops.base import PricedOp


@frozen(kw_only=True, eq=False)
class FusedAttention(PricedOp):
    """An attention core in one kernel that never materialises its scores.

    Attributes:
        heads: query heads, over the whole batch.
        pairs: query-key pairs that each head computes.
        inputs: elements of queries, and of keys and values outside a KV cache.
        outputs: output elements, over the whole batch.
        padding: tensor FLOPs beyond those of ``pairs``, over all heads: a kernel multiplies
            whole tiles.
        softcap: whether the scores are capped.
    """

    kind = "fused_attention"
    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    pairs: Dim = dim_field()
    inputs: Dim = dim_field()
    outputs: Dim = dim_field()
    padding: Dim = dim_field(default=0)
    softcap: bool = False

    def operands(self) -> Dim:
        return self.inputs

    def results(self) -> Dim:
        return self.outputs

    def tensor_flops(self) -> Dim:
        useful = MAC_FLOPS * (self.head_dim + self.value_dim) * self.heads * self.pairs
        return useful + self.padding

    def padding_flops(self) -> Dim:
        return self.padding

    def vector_flops(self, conventions: Conventions) -> Dim:
        per_score = conventions.online_softmax + (conventions.softcap if self.softcap else 0)
        scores = self.heads * self.pairs * per_score
        return scores + self.outputs * conventions.online_softmax_output
