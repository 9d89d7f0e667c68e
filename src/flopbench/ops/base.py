"""What an operation is: a value with a component path, a repeat count and a price.

Sizes below are in elements; `PricedOp.cost` turns them into bytes. Like FLOPs, they are for
one run of one copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import attrs
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, Real, as_dim, as_real, dim_field
from flopbench.ops.cost import Cost, times

TORCH_VISIBLE = frozenset({"linear", "expert_linear", "matmul", "conv2d"})
"""Kinds of operation whose PyTorch kernels FlopCounterMode has formulas for."""


def optional_dim_field() -> Dim:
    """Declare an attrs field that holds a `Dim`, or None for what follows from the shape."""
    return attrs.field(default=None, converter=attrs.converters.optional(as_dim))


def _is_path(_op: object, _attribute: object, value: Any) -> None:
    if not (isinstance(value, str) and value):
        raise ValueError(f"component must be a path, such as decoder/mlp, got {value!r}")


@frozen(kw_only=True, eq=False)
class Op(ABC):  # noqa: B024 - only its subclasses are instantiated
    """One operation of a model.

    Attributes:
        component: slash-separated path of the part of the model that runs it.
        layers: identical copies, each with its own weights.
        steps: runs of each copy, one after the other with the same weights.
        alive_meanwhile: elements of other activations that are alive while it runs, besides its
            operands and results: a residual, for example.
        weights_shared: whether an earlier operation of the stage has the same weights; they
            are read again, but held once.
    """

    component: str = attrs.field(validator=_is_path)
    layers: Dim = dim_field(default=1)
    steps: Dim = dim_field(default=1)
    alive_meanwhile: Dim = dim_field(default=0)
    weights_shared: bool = False


@frozen(kw_only=True, eq=False)
class PricedOp(Op):
    """An operation that knows its own FLOPs, and the elements that it moves.

    Attributes:
        reads, writes: elements of activations read and written, if not what follows from the shape.
        cache_reads: elements of the KV cache read.
        peak_elements: elements of activations alive at once, on top of ``alive_meanwhile``; if
            None, all that is read and written.
    """

    reads: Dim | None = optional_dim_field()
    writes: Dim | None = optional_dim_field()
    cache_reads: Dim = dim_field(default=0)
    peak_elements: Dim | None = optional_dim_field()

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

    def padding_flops(self) -> Dim:
        """FLOPs of the matrix work in one run that the result does not need."""
        return 0

    @abstractmethod
    def operands(self) -> Dim:
        """Elements of its input activations."""

    @abstractmethod
    def results(self) -> Dim:
        """Elements of its output activations."""

    def weights(self) -> Dim:
        """Elements of the weights that one copy holds."""
        return 0

    def weights_read(self) -> Dim:
        """Elements of weights that every run reads."""
        return 0

    def expected_expert_weights_read(self) -> Real:
        """Elements of routed experts' weights that a run is expected to read."""
        return 0.0

    def cache_written(self) -> Dim:
        """Elements of KV cache that one run writes."""
        return 0

    def cache_held(self) -> Dim:
        """Elements of KV cache that one copy holds after all steps."""
        return 0

    def moved(self) -> tuple[Dim, Dim]:
        """Return the elements of activations read and written."""
        read = self.operands() if self.reads is None else self.reads
        return read, self.results() if self.writes is None else self.writes

    def peak(self) -> Dim:
        """Return the elements of activations that are alive at once."""
        own = sum(self.moved()) if self.peak_elements is None else self.peak_elements
        return self.alive_meanwhile + own

    def cost(self, conventions: Conventions, element_bytes: int = 2) -> Cost:
        """Price all runs of all copies, at ``element_bytes`` bytes per element."""
        runs = self.layers * self.steps
        run_bytes = element_bytes * runs
        tensor = times(self.tensor_flops(), runs)
        read, written = self.moved()
        return Cost(
            tensor,
            times(self.vector_flops(conventions), runs),
            times(self.padding_flops(), runs),
            times(self.weights_read(), run_bytes),
            self.expected_expert_weights_read() * as_real(run_bytes),
            times(self.cache_reads, run_bytes),
            times(self.cache_written(), run_bytes),
            times(read, run_bytes),
            times(written, run_bytes),
        )


@frozen(kw_only=True, eq=False)
class MatrixOp(PricedOp):
    """An operation that does only matrix work."""

    def vector_flops(self, conventions: Conventions) -> Dim:
        return 0


@frozen(kw_only=True, eq=False)
class VectorOp(PricedOp):
    """An operation without matrix work: ``elements`` times the convention of its kind."""

    @property
    @abstractmethod
    def elements(self) -> Dim:
        """Elements that one run processes."""

    def operands(self) -> Dim:
        return self.elements

    def results(self) -> Dim:
        return self.elements

    def tensor_flops(self) -> Dim:
        return 0

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.elements * int(getattr(conventions, self.kind))
