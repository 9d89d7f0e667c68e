"""The operations that analytic models emit: small frozen values, each under a component path.

Repeated work is a count, not a loop: ``layers`` identical operations with weights of their
own, each run ``steps`` times. Every dimension may be an int, an array or a symbol
(`flopbench.dims`).

`Attention` is the one operation without a price of its own: an attention mode lowers it
to the others (`flopbench.attention`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import attrs
from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.cost import Cost
from flopbench.dims import Dim, consecutive_sum, dim_field

TORCH_VISIBLE = frozenset({"linear", "expert_linear", "matmul", "conv2d"})
"""Kinds of operation whose PyTorch kernels FlopCounterMode has formulas for."""


@frozen(kw_only=True, eq=False)
class Op(ABC):
    """One operation of a model.

    Attributes:
        component: slash-separated path of the part of the model that runs it.
        layers: identical copies, each with weights of its own.
        steps: runs of each copy, one after the other with the same weights.
    """

    component: str
    layers: Dim = dim_field(default=1)
    steps: Dim = dim_field(default=1)


@frozen(kw_only=True, eq=False)
class PricedOp(Op):
    """An operation that knows its own FLOPs."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """What the operation is called in reports, such as ``linear`` or ``softmax``."""

    @abstractmethod
    def tensor_flops(self) -> Dim:
        """FLOPs of the matrix work in one run."""

    @abstractmethod
    def vector_flops(self, conventions: Conventions) -> Dim:
        """FLOPs of the other work in one run."""

    def cost(self, conventions: Conventions) -> Cost:
        """Price all runs of all copies."""
        tensor = self.tensor_flops()
        visible = tensor if self.kind in TORCH_VISIBLE else 0
        one_run = Cost(tensor, self.vector_flops(conventions), visible, self.padding_flops())
        return one_run * (self.layers * self.steps)

    def padding_flops(self) -> Dim:
        """FLOPs of the matrix work in one run that the result does not need."""
        return 0


@frozen(kw_only=True, eq=False)
class MatrixOp(PricedOp):
    """An operation that is only matrix work."""

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0


@frozen(kw_only=True, eq=False)
class VectorOp(PricedOp):
    """An operation without matrix work: ``elements`` times the convention of its kind."""

    @property
    @abstractmethod
    def elements(self) -> Dim:
        """Elements that one run works on."""

    def tensor_flops(self) -> Dim:
        return 0

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.elements * int(getattr(conventions, self.kind))


@frozen(kw_only=True, eq=False)
class Linear(PricedOp):
    """A product with a weight: [rows, in_features] x [in_features, out_features] (+ bias)."""

    kind = "linear"
    rows: Dim = dim_field()
    in_features: Dim = dim_field()
    out_features: Dim = dim_field()
    bias: bool = False

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.rows * self.in_features * self.out_features

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.rows * self.out_features * conventions.bias if self.bias else 0


@frozen(kw_only=True, eq=False)
class ExpertLinear(MatrixOp):
    """One routed product per row with the weight of the row's expert, out of ``experts`` weights.

    ``rows`` counts token-expert pairs: tokens x top_k.
    """

    kind = "expert_linear"
    rows: Dim = dim_field()
    in_features: Dim = dim_field()
    out_features: Dim = dim_field()
    experts: Dim = dim_field()

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.rows * self.in_features * self.out_features


@frozen(kw_only=True, eq=False)
class MatMul(MatrixOp):
    """A batched product of two activations: [batch, m, k] x [batch, k, n]."""

    kind = "matmul"
    batch: Dim = dim_field()
    m: Dim = dim_field()
    k: Dim = dim_field()
    n: Dim = dim_field()

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.batch * self.m * self.k * self.n


@frozen(kw_only=True, eq=False)
class Conv2d(PricedOp):
    """A square convolution to [batch, out_channels, out_height, out_width]."""

    kind = "conv2d"
    batch: Dim = dim_field()
    in_channels: Dim = dim_field()
    out_channels: Dim = dim_field()
    kernel_size: Dim = dim_field()
    out_height: Dim = dim_field()
    out_width: Dim = dim_field()
    bias: bool = False

    def _outputs(self) -> Dim:
        return self.batch * self.out_channels * self.out_height * self.out_width

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self._outputs() * self.in_channels * self.kernel_size * self.kernel_size

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self._outputs() * conventions.bias if self.bias else 0


@frozen(kw_only=True, eq=False)
class Norm(VectorOp):
    """A normalisation of ``rows`` vectors of ``width`` elements."""

    function: Literal["layer_norm", "rms_norm"]
    rows: Dim = dim_field()
    width: Dim = dim_field()

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.rows * self.width


@frozen(kw_only=True, eq=False)
class Softmax(VectorOp):
    """A softmax over materialised scores."""

    kind = "softmax"
    scores: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.scores


@frozen(kw_only=True, eq=False)
class Elementwise(VectorOp):
    """A function of each element: an entry of `Conventions`, such as ``add`` or ``gelu``."""

    function: str = attrs.field(
        validator=attrs.validators.in_([a.name for a in attrs.fields(Conventions)])
    )
    outputs: Dim = dim_field()

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.outputs


@frozen(kw_only=True, eq=False)
class Rope(VectorOp):
    """Rotary position embedding of ``tokens`` x ``heads`` vectors of ``head_dim`` elements."""

    kind = "rope"
    tokens: Dim = dim_field()
    heads: Dim = dim_field()
    head_dim: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.tokens * self.heads * self.head_dim


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


@frozen(kw_only=True, eq=False)
class FusedAttention(PricedOp):
    """An attention core in one kernel that never materialises its scores.

    Attributes:
        heads: query heads, over the whole batch.
        pairs: query-key pairs that each head computes.
        outputs: output elements, over the whole batch.
        padding: tensor FLOPs beyond those of ``pairs``, over all heads: a kernel multiplies
            whole tiles.
    """

    kind = "fused_attention"
    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    pairs: Dim = dim_field()
    outputs: Dim = dim_field()
    padding: Dim = dim_field(default=0)

    def tensor_flops(self) -> Dim:
        useful = MAC_FLOPS * self.heads * self.pairs * (self.head_dim + self.value_dim)
        return useful + self.padding

    def padding_flops(self) -> Dim:
        return self.padding

    def vector_flops(self, conventions: Conventions) -> Dim:
        scores = self.heads * self.pairs * conventions.online_softmax
        return scores + self.outputs * conventions.online_softmax_output


@frozen(kw_only=True, eq=False)
class Attention(Op):
    """An attention core, softmax(Q K^T) V, to be lowered by an attention mode.

    With ``steps`` > 1 it is decoding: each step has ``queries`` new queries and sees
    ``queries`` more keys than the step before.

    Attributes:
        batch: sequences (or windows) that attend apart.
        heads: query heads per sequence.
        kv_heads: key and value heads per sequence; a divisor of ``heads``.
        head_dim: width of a query or key head.
        value_dim: width of a value head.
        queries: query tokens of one step.
        keys: key tokens that the first step sees, its own included.
        causal: whether a query sees only the keys up to its own.
        bias: what is added to the scores besides a causal mask, if anything.
        scaled: whether the scale multiplies the scores or, before them, the queries.
    """

    batch: Dim = dim_field()
    heads: Dim = dim_field()
    kv_heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    queries: Dim = dim_field()
    keys: Dim = dim_field()
    causal: bool = False
    bias: str | None = None
    scaled: Literal["scores", "queries"] = "scores"

    def __attrs_post_init__(self) -> None:
        grouped = isinstance(self.heads, int) and isinstance(self.kv_heads, int)
        if grouped and (not self.kv_heads or self.heads % self.kv_heads):
            raise ValueError(
                f"attention needs kv_heads that divide heads, got {self.kv_heads} of {self.heads}"
            )
        ordered = self.causal or not (isinstance(self.steps, int) and self.steps == 1)
        numbers = isinstance(self.queries, int) and isinstance(self.keys, int)
        if ordered and numbers and self.queries > self.keys:
            raise ValueError(
                "attention needs queries <= keys if it is causal or decoding, "
                f"got {self.queries} > {self.keys}"
            )

    @property
    def key_visits(self) -> Dim:
        """Keys that the steps see, summed over the steps."""
        growth = consecutive_sum(0, self.steps)
        return self.steps * self.keys + self.queries * growth

    @property
    def pairs(self) -> Dim:
        """All query-key pairs per head, whether masked or not, summed over the steps."""
        return self.queries * self.key_visits

    @property
    def unmasked_pairs(self) -> Dim:
        """Query-key pairs per head that the causal mask leaves, summed over the steps.

        The last query of a step sees every key, the one before it one fewer, and so on.
        """
        if not self.causal:
            return self.pairs
        return self.pairs - self.steps * consecutive_sum(0, self.queries)

    @property
    def outputs(self) -> Dim:
        """Output elements of one layer, summed over the steps."""
        return self.steps * self.batch * self.heads * self.queries * self.value_dim
