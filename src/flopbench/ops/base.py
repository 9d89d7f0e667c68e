"""What an operation is: a value with a component path, a repeat count and a price.

Sizes below are in elements; `PricedOp.cost` turns them into bytes, as the model's
`flopbench.storage.Storage` says. Like FLOPs, they are for one run of one copy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import attrs
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import DEFAULT_DTYPE, Dim, Real, as_dim, as_real, dim_field
from flopbench.ops.cost import Cost, times
from flopbench.ops.flow import STREAM, Needs, Unit
from flopbench.ops.kept import Kept
from flopbench.ops.tensors import Tensor
from flopbench.storage import Matrix, Scheme, Storage, bytes_of

TORCH_VISIBLE = frozenset({"linear", "expert_linear", "matmul", "conv2d", "convolution"})
"""Kinds of operation whose PyTorch kernels FlopCounterMode has formulas for."""

OWN_VISIBLE = frozenset({"triangular_solve"})
"""Kinds whose PyTorch kernels only flopbench's own formulas count, beside FlopCounterMode's."""


def rows_of(op: PricedOp, rows: Dim, width: Dim) -> tuple[Dim, ...]:
    """Return the shape of a result of ``rows`` vectors: fewer, if its last step has fewer."""
    usual = op.last_result is None and op.writes is None
    return (rows if usual else op.largest_result() // width, width)


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
        scheme: how its weight matrices are stored, if different from what the model's storage
            says of its component.
        trainable: whether gradients reach its weights: not those that serve a choice alone.
        weights_of: what has its weights, as a component with a role, if they are another's:
            ``decoder/embed/tokens`` of an LM head that is tied to the token embeddings.
        role: what tells its weights from others of the component, such as ``q``.
        takes: names of the values that it works on, in the order of its operands. A name that
            nothing gave stands for data, which needs no gradient.
        gives: name of its result; "" if it changes what it takes, and gives nothing new.
        unit: the layer that it is a part of, if it is in one.
    """

    component: str = attrs.field(validator=_is_path)
    layers: Dim = dim_field(default=1)
    steps: Dim = dim_field(default=1)
    alive_meanwhile: Dim = dim_field(default=0)
    weights_shared: bool = False
    scheme: Scheme | None = None
    trainable: bool = True
    weights_of: str | None = None
    role: str = ""
    takes: tuple[str, ...] = (STREAM,)
    gives: str = STREAM
    unit: Unit | None = None


@frozen(kw_only=True, eq=False)
class PricedOp(Op):
    """An operation that knows its own FLOPs, and the elements that it moves.

    Attributes:
        reads, writes: elements of activations read and written, if not what follows from the shape.
        cache_reads: elements of the KV cache read.
        peak_elements: elements of activations alive at once, on top of ``alive_meanwhile``; if
            None, all that is read and written.
        last_result: elements of the result of the last step, if one run stands for several.
        makes: the tensors that a run makes, that of the last step if it stands for several; None
            for its result alone.
    """

    reads: Dim | None = optional_dim_field()
    writes: Dim | None = optional_dim_field()
    cache_reads: Dim = dim_field(default=0)
    peak_elements: Dim | None = optional_dim_field()
    last_result: Dim | None = optional_dim_field()
    makes: tuple[Tensor, ...] | None = None

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

    def matrices(self) -> tuple[Matrix, ...]:
        """Weight matrices of one copy, which a quantisation scheme may pack."""
        return ()

    def stored_as(self, storage: Storage) -> Scheme:
        """Return how its weight matrices are stored."""
        return storage.scheme(self.component, self.scheme)

    def weight_bytes(self, storage: Storage) -> Dim:
        """Bytes of the weights that one copy holds."""
        packed, scheme = self.matrices(), self.stored_as(storage)
        rest = self.weights() - sum(matrix.elements for matrix in packed)
        return bytes_of(rest, storage.rest) + sum(scheme.stored(m).total for m in packed)

    def weight_bytes_read(self, storage: Storage) -> Dim:
        """Bytes of the weights that every run reads."""
        return bytes_of(self.weights_read(), storage.rest)

    def expected_expert_bytes_read(self, storage: Storage) -> Real:
        """Bytes of routed experts' weights that a run is expected to read."""
        return 0.0

    def cache_written(self) -> Dim:
        """Elements of KV cache, or of a state in its place, that one run writes."""
        return 0

    def cache_held(self) -> Dim:
        """Elements of KV cache that one copy holds after all steps."""
        return 0

    def cache_dtype(self, storage: Storage) -> str:
        """Type of what it reads and writes of the KV cache."""
        return storage.kv_cache

    saves_results: ClassVar[bool] = False
    """Whether its backward needs its results: if not, recomputation may stop before it."""

    @property
    def saves(self) -> bool:
        """Whether its backward needs anything that the forward had."""
        return True

    def backward(self, needs: Needs) -> Iterable[PricedOp]:
        """Yield the operations of its backward, for all its layers and steps.

        Args:
            needs: the gradients that are wanted; at least one is.

        Raises:
            NotImplementedError: this kind of operation does not say.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say what its backward does: it has no `backward`"
        )

    def keeps(self, needs: Needs) -> Iterable[Kept]:
        """Yield what its backward reads of what the forward had, weights apart.

        By default, it is all that it works on.

        Args:
            needs: the gradients that are wanted; at least one is.
        """
        yield Kept(elements=self.operands(), operand=0)

    def moved(self) -> tuple[Dim, Dim]:
        """Return the elements of activations read and written."""
        read = self.operands() if self.reads is None else self.reads
        return read, self.results() if self.writes is None else self.writes

    def peak(self) -> Dim:
        """Return the elements of activations that are alive at once."""
        own = sum(self.moved()) if self.peak_elements is None else self.peak_elements
        return self.alive_meanwhile + own

    def largest_result(self) -> Dim:
        """Return the elements of its largest output, that of the last step."""
        return self.moved()[1] if self.last_result is None else self.last_result

    def tensors(self) -> tuple[Tensor, ...]:
        """Return the tensors that a run makes: by default, its largest result."""
        if self.makes is not None:
            return self.makes
        return (Tensor(self.kind, self.result_shape(), self.result_dtype),)

    def result_shape(self) -> tuple[Dim, ...]:
        """Return the sizes of its largest result, that of the last step, as far as it knows."""
        return (self.largest_result(),)

    @property
    def result_dtype(self) -> str | None:
        """The type of the largest tensor that makes its result, if not that of activations."""
        return None

    def cost(self, conventions: Conventions, storage: Storage | str = DEFAULT_DTYPE) -> Cost:
        """Price all runs of all copies.

        Args:
            storage: how the model's tensors are stored, or the dtype of all.
        """
        runs = self.layers * self.steps
        storage = Storage.made(storage)
        cache, activations = self.cache_dtype(storage), storage.activations
        tensor = times(self.tensor_flops(), runs)
        read, written = self.moved()
        return Cost(
            tensor,
            times(self.vector_flops(conventions), runs),
            times(self.padding_flops(), runs),
            times(self.weight_bytes_read(storage), runs),
            self.expected_expert_bytes_read(storage) * as_real(runs),
            times(bytes_of(self.cache_reads, cache), runs),
            times(bytes_of(self.cache_written(), cache), runs),
            times(bytes_of(read, activations), runs),
            times(bytes_of(written, activations), runs),
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
