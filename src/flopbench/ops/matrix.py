"""Matrix work: products with weights, products of activations, convolutions."""

from __future__ import annotations

from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, Real, as_real, at_most_one, dim_field, expected_distinct
from flopbench.ops.base import MatrixOp, PricedOp


@frozen(kw_only=True, eq=False)
class Linear(PricedOp):
    """A product with a weight: [rows, in_features] x [in_features, out_features] (+ bias).

    Attributes:
        passes: how often one run reads its weights: ``rows`` may be those of many products.
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
        top_k: distinct experts per token. It determines the number of tokens, and with it how
            many experts' weights a run is expected to read under uniform routing.
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
        used = expected_distinct(self.experts, self.top_k, tokens)
        return used * as_real(self._weights_of_one())


@frozen(kw_only=True, eq=False)
class MatMul(MatrixOp):
    """A batched product of two activations: [batch, m, k] x [batch, k, n].

    Attributes:
        lookup_weights: elements of the weights from which the second operand is looked up, if any.
    """

    kind = "matmul"
    batch: Dim = dim_field()
    m: Dim = dim_field()
    k: Dim = dim_field()
    n: Dim = dim_field()
    lookup_weights: Dim = dim_field(default=0)

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.batch * self.m * self.k * self.n

    def operands(self) -> Dim:
        return self.batch * self.k * (self.m + self.n)

    def results(self) -> Dim:
        return self.batch * self.m * self.n

    def weights(self) -> Dim:
        return self.lookup_weights


@frozen(kw_only=True, eq=False)
class Conv2d(PricedOp):
    """A square convolution to [batch, out_channels, out_height, out_width].

    Attributes:
        in_height, in_width: size of the input, without padding.
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
