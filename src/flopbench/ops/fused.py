"""Attention in one kernel that never stores its scores."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, dim_field, is_zero
from flopbench.ops.base import PricedOp
from flopbench.ops.flow import Needs
from flopbench.ops.gradients import place_of
from flopbench.ops.kept import FLOAT32, Kept


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
        sinks: further scores, over all heads, queries and steps, that take part in the softmax
            alone.
        lookup_weights: elements of the weights from which those are looked up.
        lookup_reads: elements of those weights that are read.
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
    sinks: Dim = dim_field(default=0)
    lookup_weights: Dim = dim_field(default=0)
    lookup_reads: Dim = dim_field(default=0)

    def operands(self) -> Dim:
        return self.inputs

    def results(self) -> Dim:
        return self.outputs

    def tensor_flops(self) -> Dim:
        useful = MAC_FLOPS * (self.head_dim + self.value_dim) * self.heads * self.pairs
        return useful + self.padding

    def weights(self) -> Dim:
        return self.lookup_weights

    def weights_read(self) -> Dim:
        return self.lookup_reads

    def padding_flops(self) -> Dim:
        return self.padding

    def vector_flops(self, conventions: Conventions) -> Dim:
        per_score = conventions.online_softmax + (conventions.softcap if self.softcap else 0)
        scores = self.heads * self.pairs * per_score + self.sinks * conventions.online_softmax
        return scores + self.outputs * conventions.online_softmax_output

    saves_results = True

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield the one kernel that computes all gradients (`FusedAttentionBackward`)."""
        yield FusedAttentionBackward(of=self, **place_of(self))

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield queries, keys and values, the outputs, and the log of the sum of each row.

        The probabilities are made again (Dao, arXiv:2307.08691, section 2.3).
        """
        yield Kept(elements=self.inputs, operand=0)
        yield Kept(elements=self.outputs, result=True)
        yield Kept(elements=self.outputs // self.value_dim, bytes_each=FLOAT32)


@frozen(kw_only=True, eq=False)
class FusedAttentionBackward(PricedOp):
    """The backward of a fused attention core: five products over the same pairs.

    Without stored scores, S = Q K' and P = softmax(S) are computed again; then dV = P' dO,
    dP = dO V', dS = P * (dP - sum(dO * O)), dQ = dS K and dK = dS' Q (Dao, arXiv:2307.08691,
    algorithm 2). Three products are ``head_dim`` wide and two ``value_dim``, where the forward has
    one of each: 2.5 times as much, if the widths are equal. The kernel computes all gradients,
    whichever are needed.

    Attributes:
        of: the forward.

    Raises:
        NotImplementedError: the forward multiplies whole tiles; a backward's are others.
    """

    kind = "fused_attention"
    of: FusedAttention = attrs.field()

    @of.validator
    def _without_padding(self, _attribute: object, forward: FusedAttention) -> None:
        if not is_zero(forward.padding):
            raise NotImplementedError("the tiles of a fused backward are not known")

    def tensor_flops(self) -> Dim:
        forward = self.of
        widths = 3 * forward.head_dim + 2 * forward.value_dim
        return MAC_FLOPS * widths * forward.heads * forward.pairs

    def vector_flops(self, conventions: Conventions) -> Dim:
        forward, table = self.of, conventions.backward
        capped = conventions.softcap + table.softcap if forward.softcap else 0
        scores = forward.heads * forward.pairs * (table.online_softmax + capped)
        sinks = forward.sinks * table.online_softmax
        return scores + sinks + forward.outputs * table.online_softmax_output

    def operands(self) -> Dim:
        return self.of.inputs + 2 * self.of.outputs

    def results(self) -> Dim:
        return self.of.inputs
