"""Matrix work: products with weights, products of activations, and triangular solves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import attrs
from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, Real, as_real, at_most_one, dim_field, expected_distinct, is_zero
from flopbench.ops.base import MatrixOp, PricedOp, rows_of
from flopbench.ops.flow import Needs
from flopbench.ops.gradients import gradients, kept_inputs, place_of
from flopbench.ops.kept import Kept
from flopbench.storage import Matrix, Scheme, Storage


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

    def result_shape(self) -> tuple[Dim, ...]:
        return rows_of(self, self.rows, self.out_features)

    def weights(self) -> Dim:
        return self.out_features * (self.in_features + (1 if self.bias else 0))

    def weights_read(self) -> Dim:
        return self.passes * at_most_one(self.rows) * self.weights()

    def matrices(self) -> tuple[Matrix, ...]:
        return (Matrix(self.out_features, self.in_features),)

    def weight_bytes_read(self, storage: Storage) -> Dim:
        return self.passes * at_most_one(self.rows) * self.weight_bytes(storage)

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield dX = dY W' and dW = X' dY (`flopbench.ops.gradients`)."""
        return gradients(self, needs, bias=self.bias)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield X if the weights are trained: dX needs weights alone."""
        return kept_inputs(needs, self.operands())


@frozen(kw_only=True, eq=False)
class ExpertLinear(PricedOp):
    """One routed product per row with the weight of the row's expert, out of ``experts`` weights.

    Attributes:
        rows: token-expert pairs: tokens x top_k.
        top_k: distinct experts per token. It determines the number of tokens, and with it how
            many experts' weights a run is expected to read under uniform routing.
        joined: layers of a usual checkpoint that its matrices join: 2 for a gate and its other
            half.
        gathers: whether its rows are copies of tokens, one for each of their experts.
    """

    kind = "expert_linear"
    rows: Dim = dim_field()
    in_features: Dim = dim_field()
    out_features: Dim = dim_field()
    experts: Dim = dim_field()
    top_k: Dim = dim_field(default=1)
    bias: bool = False
    joined: int = 1
    gathers: bool = False

    def tensor_flops(self) -> Dim:
        return MAC_FLOPS * self.in_features * self.out_features * self.rows

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.rows * self.out_features * conventions.bias if self.bias else 0

    def operands(self) -> Dim:
        return self.rows * self.in_features

    def results(self) -> Dim:
        return self.rows * self.out_features

    def result_shape(self) -> tuple[Dim, ...]:
        return rows_of(self, self.rows, self.out_features)

    def weights(self) -> Dim:
        return self.experts * self._weights_of_one()

    def _weights_of_one(self) -> Dim:
        return self.out_features * (self.in_features + (1 if self.bias else 0))

    def expected_expert_weights_read(self) -> Real:
        return self._expected_experts() * as_real(self._weights_of_one())

    def _expected_experts(self) -> Real:
        return expected_distinct(self.experts, self.top_k, self.rows // self.top_k)

    def matrices(self) -> tuple[Matrix, ...]:
        return (Matrix(self.out_features, self.in_features, self.experts, self.joined),)

    def stored_as(self, storage: Storage) -> Scheme:
        return storage.scheme(self.component, self.scheme, routed=True)

    def expected_expert_bytes_read(self, storage: Storage) -> Real:
        return self._expected_experts() * as_real(self._one_expert().weight_bytes(storage))

    def fewest_expert_bytes_read(self, storage: Storage) -> Dim:
        """Bytes of the experts that a run must read, all its tokens choosing the same."""
        least = self.top_k * at_most_one(self.rows)
        return least * self._one_expert().weight_bytes(storage)

    def _one_expert(self) -> ExpertLinear:
        return attrs.evolve(self, experts=1)

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield dX = dY W' and dW = X' dY, for each row with the weight of its expert."""
        return gradients(self, needs, bias=self.bias)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield X if the weights are trained; of copies of tokens, the tokens."""
        rows = self.rows // self.top_k if self.gathers else self.rows
        return kept_inputs(needs, rows * self.in_features)


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

    def backward(self, needs: Needs) -> Iterator[MatMul]:
        """Yield dA = dY B' ([m, n] x [n, k]) and dB = A' dY ([k, m] x [m, n])."""
        first, second = self._needed(needs)
        sizes: dict[str, Any] = {"batch": self.batch, **place_of(self)}
        if first:
            yield MatMul(m=self.m, k=self.n, n=self.k, **sizes)
        if second:
            yield MatMul(m=self.k, k=self.m, n=self.n, **sizes)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield B if dA is needed, and A if dB is.

        The second operand is what is read besides the first: query heads may share keys.
        """
        first, second = self._needed(needs)
        size = self.batch * self.m * self.k
        if second:
            yield Kept(elements=size, operand=0)
        if first and is_zero(self.lookup_weights):
            yield Kept(elements=self.moved()[0] - size, operand=1)

    def _needed(self, needs: Needs) -> tuple[bool, bool]:
        """Return whether the gradients of both operands are needed; one name may stand for both."""
        first, second = (needs.operands * 2)[:2]
        return first, second if is_zero(self.lookup_weights) else needs.weights


@frozen(kw_only=True, eq=False)
class TriangularSolve(MatrixOp):
    """The solution X of A X = B by substitution: A is triangular, [batch, n, n].

    B and X are [batch, n, columns]. In every column, for i = 0 … n - 1, x_i is b_i minus the sum of
    a_ij x_j over j < i, over a_ii: i products, i subtractions and, unless the diagonal is all ones,
    a division. That is n (n - 1) FLOPs, and n for divisions. An upper triangle is solved from its
    last row upwards, and X A = B by row, with as many.

    It reads A as it is stored, with the half that is not used.

    Attributes:
        batch: systems, after both operands are broadcast.
        n: unknowns of a system.
        columns: right sides of a system.
        unit_diagonal: whether the diagonal of A is all ones, which nothing is divided by.
    """

    kind = "triangular_solve"
    saves_results: ClassVar[bool] = True
    batch: Dim = dim_field()
    n: Dim = dim_field()
    columns: Dim = dim_field()
    unit_diagonal: bool = False

    def tensor_flops(self) -> Dim:
        products_and_subtractions = self.n * (self.n - 1)
        divisions = 0 if self.unit_diagonal else self.n
        return self.batch * self.columns * (products_and_subtractions + divisions)

    def operands(self) -> Dim:
        return self.batch * self.n * (self.n + self.columns)

    def results(self) -> Dim:
        return self.batch * self.n * self.columns

    def backward(self, needs: Needs) -> Iterator[MatrixOp]:
        """Yield the gradients gB = A^-T gX, a solve, and gA = -gB X', [n, columns] x [columns, n].

        A change of A X = B is A dX = dB - dA X, so gX . dX = (A^-T gX) . (dB - dA X), which is
        gB . dB - (gB X') . dA. The latter needs gB, which is solved for even if only gA is wanted.
        All of gB X' is computed, and the triangle of A cut out of it.
        """
        if not needs.inputs:
            return
        sizes: dict[str, Any] = {"batch": self.batch, **place_of(self)}
        yield TriangularSolve(
            n=self.n, columns=self.columns, unit_diagonal=self.unit_diagonal, **sizes
        )
        if self._matrix_needed(needs):
            yield MatMul(m=self.n, k=self.columns, n=self.n, **sizes)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield A, and X if gA is needed; B is not read again. Autograd keeps X in any case."""
        if needs.inputs:
            yield Kept(elements=self.batch * self.n * self.n, operand=0)
        if self._matrix_needed(needs):
            yield Kept(elements=self.results(), result=True)

    def _matrix_needed(self, needs: Needs) -> bool:
        """Return whether the gradient of A is needed: of the first operand."""
        return needs.operands[0]
