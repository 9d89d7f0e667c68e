"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import attrs
from attrs import frozen

from flopbench.conventions import MAC_FLOPS, Conventions
from flopbench.dims import Dim, as_dim, at_most_one, dim_field
from flopbench.ops.base import PricedOp
from flopbench.ops.flow import Needs
from flopbench.ops.gradients import gradients, kept_inputs
from flopbench.ops.kept import Kept


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

    def result_shape(self) -> tuple[Dim, ...]:
        return self.batch, self.out_channels, self.out_height, self.out_width

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

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield the gradients of inputs and of filters (`flopbench.ops.gradients`)."""
        return gradients(self, needs, bias=self.bias)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield the inputs if the filters are trained."""
        return kept_inputs(needs, self.operands())


def _dims_field() -> tuple[Dim, ...]:
    field: tuple[Dim, ...] = attrs.field(converter=lambda sizes: tuple(map(as_dim, sizes)))
    return field


@frozen(kw_only=True, eq=False)
class Convolution(PricedOp):
    """A convolution in any number of dimensions, in groups of channels, or transposed.

    The weights of all filters are used once per position, which is one of the output: there, the
    filters multiply what they cover of the input, padding included. Transposed, it is one of the
    input: what is there is multiplied with each weight, and added up where the filters cover the
    output.

    Attributes:
        kernel: sizes of the filters.
        in_size: sizes of the input, without padding.
        out_size: sizes of the output.
        groups: a filter covers in_channels / groups input channels.
    """

    kind = "convolution"
    batch: Dim = dim_field()
    in_channels: Dim = dim_field()
    out_channels: Dim = dim_field()
    kernel: tuple[Dim, ...] = _dims_field()
    in_size: tuple[Dim, ...] = _dims_field()
    out_size: tuple[Dim, ...] = _dims_field()
    groups: int = 1
    transposed: bool = False
    bias: bool = False

    def operands(self) -> Dim:
        return self.in_channels * prod(self.in_size) * self.batch

    def results(self) -> Dim:
        return self.out_channels * prod(self.out_size) * self.batch

    def result_shape(self) -> tuple[Dim, ...]:
        return self.batch, self.out_channels, *self.out_size

    def tensor_flops(self) -> Dim:
        positions = prod(self.in_size if self.transposed else self.out_size) * self.batch
        return MAC_FLOPS * self._filters() * positions

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.results() * conventions.bias if self.bias else 0

    def weights(self) -> Dim:
        return self._filters() + (self.out_channels if self.bias else 0)

    def _filters(self) -> Dim:
        return self.out_channels * self.in_channels * prod(self.kernel) // self.groups

    def weights_read(self) -> Dim:
        return at_most_one(self.batch) * self.weights()

    def backward(self, needs: Needs) -> Iterator[PricedOp]:
        """Yield the gradients of inputs and of filters (`flopbench.ops.gradients`)."""
        return gradients(self, needs, bias=self.bias)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield the inputs if the filters are trained."""
        return kept_inputs(needs, self.operands())
