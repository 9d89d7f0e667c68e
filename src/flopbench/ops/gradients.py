"""The backward of an operation with weights: the gradient of its inputs, and of its weights.

A product Y = X W has the gradients dX = dY W' and dW = X' dY. Each multiplies the same three sizes
as the product itself, so it takes as many FLOPs. A convolution's gradients are products of the
same kind: each pair of an input and an output that a weight joins is multiplied once for dX, and
once for dW.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, Real
from flopbench.ops.base import PricedOp
from flopbench.ops.flow import Needs
from flopbench.ops.kept import Kept
from flopbench.storage import Storage


@frozen(kw_only=True, eq=False)
class _Gradient(PricedOp):
    """A gradient of an operation: matrix work as its forward's.

    Attributes:
        of: the operation.
    """

    of: PricedOp

    @property
    def kind(self) -> str:
        return self.of.kind

    def tensor_flops(self) -> Dim:
        return self.of.tensor_flops()


@frozen(kw_only=True, eq=False)
class InputGradient(_Gradient):
    """The gradient of an operation's inputs (dgrad): it reads those of its results, and weights."""

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0

    def operands(self) -> Dim:
        return self.of.results()

    def results(self) -> Dim:
        return self.of.operands()

    def weights_read(self) -> Dim:
        return self.of.weights_read()

    def weight_bytes_read(self, storage: Storage) -> Dim:
        return self.of.weight_bytes_read(storage)

    def expected_expert_weights_read(self) -> Real:
        return self.of.expected_expert_weights_read()

    def expected_expert_bytes_read(self, storage: Storage) -> Real:
        return self.of.expected_expert_bytes_read(storage)


@frozen(kw_only=True, eq=False)
class WeightGradient(_Gradient):
    """The gradient of an operation's weights (wgrad): it reads its inputs, and their gradients.

    Attributes:
        bias: additions that sum up the gradient of a bias.
    """

    bias: Dim = 0

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.bias * conventions.add

    def operands(self) -> Dim:
        return self.of.operands() + self.of.results()

    def results(self) -> Dim:
        return self.of.weights()


def place_of(op: PricedOp) -> dict[str, Any]:
    """Return where an operation runs, for those of its backward."""
    return {name: getattr(op, name) for name in ("component", "layers", "steps", "role", "unit")}


def gradients(op: PricedOp, needs: Needs, *, bias: bool = False) -> Iterator[PricedOp]:
    """Yield the gradients of an operation with weights, those that are needed.

    Args:
        bias: whether it has a bias, whose gradient is a sum over rows.
    """
    place = place_of(op)
    if needs.inputs:
        yield InputGradient(of=op, **place)
    if needs.weights:
        yield WeightGradient(of=op, bias=op.results() if bias else 0, **place)


def kept_inputs(needs: Needs, inputs: Dim) -> Iterator[Kept]:
    """Yield what the gradients of an operation with weights read: dW its inputs, dX none."""
    if needs.weights:
        yield Kept(elements=inputs, operand=0)
