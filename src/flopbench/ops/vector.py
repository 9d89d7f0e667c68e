"""The operations that analytic models emit: small frozen values, each under a component path.

Repeated work is a count, not a loop: ``layers`` identical operations with weights of their
own, each run ``steps`` times. Every dimension may be an int, an array or a symbol
(`flopbench.dims`).

`Attention` is the one operation without a price of its own: an attention mode lowers it
to the others (`flopbench.attention`).
"""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen

from flopbench.attention_op import Attention
from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, Real, as_real, at_most_one, dim_field, expected_distinct
from flopbench.op_base import (
    TORCH_VISIBLE,
    MatrixOp,
    Op,
    PricedOp,
    VectorOp,
    optional_dim_field,
)

__all__ = [
    "TORCH_VISIBLE",
    "Attention",
    "Conv2d",
    "Elementwise",
    "Embedding",
    "ExpertLinear",
    "FusedAttention",
    "KvCacheUpdate",
    "Linear",
    "MatMul",
    "MatrixOp",
    "Norm",
    "Op",
    "PricedOp",
    "Rope",
    "Softmax",
    "VectorOp",
]


@frozen(kw_only=True, eq=False)
class Linear(PricedOp):
    """A product with a weight: [rows, in_features] x [in_features, out_features] (+ bias).

    Attributes:
        passes: times that one run reads its weights: ``rows`` may be those of many products.
    """

    kind = "linear"
    rows: Dim = dim_field()
    in_features: Dim = dim_field()
    out_features: Dim = dim_field()
    bias: bool = False
    passes: Dim = dim_field(default=1)

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.in_features * self.out_features * self.rows

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.rows * self.out_features * conventions.bias if self.bias else 0

    def operands(self) -> Dim:
        return self.rows * self.in_features

    def results(self) -> Dim:
        return self.rows * self.out_features

    def weights(self) -> Dim:
        return self.out_features * (self.in_features + (1 if self.bias else 0))

    def weights_read(self) -> Dim:
        return self.passes * at_most_one(self.rows) * self.weights()


@frozen(kw_only=True, eq=False)
class ExpertLinear(PricedOp):
    """One routed product per row with the weight of the row's expert, out of ``experts`` weights.

    Attributes:
        rows: token-expert pairs: tokens x top_k.
        top_k: distinct experts of one token. With the tokens that follow from it, it says
            how many experts' weights a run is expected to read, routing being uniform.
    """

    kind = "expert_linear"
    rows: Dim = dim_field()
    in_features: Dim = dim_field()
    out_features: Dim = dim_field()
    experts: Dim = dim_field()
    top_k: Dim = dim_field(default=1)
    bias: bool = False

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.in_features * self.out_features * self.rows

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.rows * self.out_features * conventions.bias if self.bias else 0

    def operands(self) -> Dim:
        return self.rows * self.in_features

    def results(self) -> Dim:
        return self.rows * self.out_features

    def weights(self) -> Dim:
        return self.experts * self._weights_of_one()

    def _weights_of_one(self) -> Dim:
        return self.out_features * (self.in_features + (1 if self.bias else 0))

    def expected_expert_weights_read(self) -> Real:
        tokens = self.rows // self.top_k
        met = expected_distinct(self.experts, self.top_k, tokens)
        return met * as_real(self._weights_of_one())


@frozen(kw_only=True, eq=False)
class MatMul(MatrixOp):
    """A batched product of two activations: [batch, m, k] x [batch, k, n].

    Attributes:
        table: elements of weights that the second operand is looked up from, if it is.
    """

    kind = "matmul"
    batch: Dim = dim_field()
    m: Dim = dim_field()
    k: Dim = dim_field()
    n: Dim = dim_field()
    table: Dim = dim_field(default=0)

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.batch * self.m * self.k * self.n

    def operands(self) -> Dim:
        return self.batch * self.k * (self.m + self.n)

    def results(self) -> Dim:
        return self.batch * self.m * self.n

    def weights(self) -> Dim:
        return self.table


@frozen(kw_only=True, eq=False)
class Conv2d(PricedOp):
    """A square convolution to [batch, out_channels, out_height, out_width].

    Attributes:
        in_height, in_width: size of the input, its padding apart.
    """

    kind = "conv2d"
    batch: Dim = dim_field()
    in_channels: Dim = dim_field()
    out_channels: Dim = dim_field()
    kernel_size: Dim = dim_field()
    in_height: Dim = dim_field()
    in_width: Dim = dim_field()
    out_height: Dim = dim_field()
    out_width: Dim = dim_field()
    bias: bool = False

    def operands(self) -> Dim:
        return self.in_channels * self.in_height * self.in_width * self.batch

    def results(self) -> Dim:
        return self.out_channels * self.out_height * self.out_width * self.batch

    def _macs_per_output(self) -> Dim:
        return self.in_channels * self.kernel_size * self.kernel_size

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self._macs_per_output() * self.results()

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.results() * conventions.bias if self.bias else 0

    def weights(self) -> Dim:
        return self.out_channels * (self._macs_per_output() + (1 if self.bias else 0))

    def weights_read(self) -> Dim:
        return at_most_one(self.batch) * self.weights()


@frozen(kw_only=True, eq=False)
class Norm(VectorOp):
    """A normalisation of ``rows`` vectors of ``width`` elements.

    A layer norm has a weight and a bias per element of a vector, an RMS norm a weight.

    Attributes:
        parameters: weights per element of a vector, if not those.
    """

    function: Literal["layer_norm", "rms_norm"]
    rows: Dim = dim_field()
    width: Dim = dim_field()
    parameters: int | None = None

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.rows * self.width

    def weights(self) -> Dim:
        usual = 2 if self.function == "layer_norm" else 1
        return self.width * (usual if self.parameters is None else self.parameters)

    def weights_read(self) -> Dim:
        return at_most_one(self.rows) * self.weights()


@frozen(kw_only=True, eq=False)
class Softmax(VectorOp):
    """A softmax over materialised scores.

    Attributes:
        table: elements of weights that scores are looked up from, if they are.
        table_reads: elements read of them.
    """

    kind = "softmax"
    scores: Dim = dim_field()
    table: Dim = dim_field(default=0)
    table_reads: Dim = dim_field(default=0)

    @property
    def elements(self) -> Dim:
        return self.scores

    def weights(self) -> Dim:
        return self.table

    def weights_read(self) -> Dim:
        return self.table_reads


_BINARY = frozenset({"add", "multiply"})


@frozen(kw_only=True, eq=False)
class Elementwise(VectorOp):
    """A function of each element: an entry of `Conventions`, such as ``add`` or ``gelu``.

    ``add`` and ``multiply`` read two operands as large as the outputs, unless ``reads`` says
    otherwise: a constant is nothing to read, a broadcast operand less.

    Attributes:
        table: elements of weights that an operand is looked up from, if it is.
        table_reads: elements read of them.
    """

    function: str = attrs.field(
        validator=attrs.validators.in_([a.name for a in attrs.fields(Conventions)])
    )
    outputs: Dim = dim_field()
    table: Dim = dim_field(default=0)
    table_reads: Dim = dim_field(default=0)

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.outputs

    def operands(self) -> Dim:
        return self.outputs * (2 if self.function in _BINARY else 1)

    def weights(self) -> Dim:
        return self.table

    def weights_read(self) -> Dim:
        return self.table_reads


@frozen(kw_only=True, eq=False)
class Rope(VectorOp):
    """Rotary position embedding of ``tokens`` x ``heads`` vectors of ``head_dim`` elements.

    Attributes:
        positions: positions whose cosines and sines are read; all tokens', unless sequences
            of a batch share them.
    """

    kind = "rope"
    tokens: Dim = dim_field()
    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    positions: Dim | None = optional_dim_field()

    @property
    def elements(self) -> Dim:
        return self.tokens * self.heads * self.head_dim

    def operands(self) -> Dim:
        positions = self.tokens if self.positions is None else self.positions
        return self.elements + 2 * self.head_dim * positions


@frozen(kw_only=True, eq=False)
class Embedding(VectorOp):
    """A table look-up: no FLOPs, but bytes to move."""

    kind = "embedding"
    tokens: Dim = dim_field()
    width: Dim = dim_field()
    entries: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.tokens * self.width

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0

    def operands(self) -> Dim:
        return 0

    def weights(self) -> Dim:
        return self.entries * self.width

    def weights_read(self) -> Dim:
        return self.elements


@frozen(kw_only=True, eq=False)
class KvCacheUpdate(VectorOp):
    """The new keys and values of a run, written to the KV cache: no FLOPs, but bytes to move.

    Attributes:
        new: elements of keys and values of one run.
        held: elements that the cache of one layer holds after the last step.
    """

    kind = "kv_cache"
    new: Dim = dim_field()
    held: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.new

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0

    def results(self) -> Dim:
        return 0

    def cache_written(self) -> Dim:
        return self.new

    def cache_held(self) -> Dim:
        return self.held


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
