"""Vector work: norms, softmax, elementwise functions, rotations, and their backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs
from attrs import frozen

from flopbench.conventions import ENTRIES, BackwardConventions, Conventions
from flopbench.dims import Dim, at_most_one, dim_field
from flopbench.ops.base import VectorOp, optional_dim_field, rows_of
from flopbench.ops.flow import Needs
from flopbench.ops.gradients import place_of
from flopbench.ops.kept import FLOAT32, INDEX, Kept
from flopbench.ops.tensors import Tensor


@frozen(kw_only=True, eq=False)
class VectorGradient(VectorOp):
    """Vector work on gradients: an entry of `flopbench.conventions.BackwardConventions`.

    Unless ``reads`` says otherwise, it reads what the forward left and as many gradients.
    """

    function: str = attrs.field(
        validator=attrs.validators.in_([a.name for a in attrs.fields(BackwardConventions)])
    )
    outputs: Dim = dim_field()

    @property
    def kind(self) -> str:
        return f"{self.function}_backward"

    @property
    def elements(self) -> Dim:
        return self.outputs

    def operands(self) -> Dim:
        return 2 * self.outputs

    def vector_flops(self, conventions: Conventions) -> Dim:
        return self.outputs * int(getattr(conventions.backward, self.function))


@frozen(kw_only=True, eq=False)
class Norm(VectorOp):
    """A normalisation of ``rows`` vectors of ``width`` elements.

    A layer norm has a weight and a bias per element of a vector, an RMS norm only a weight.

    Attributes:
        parameters: weights per element of a vector, if different from that.
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

    def result_shape(self) -> tuple[Dim, ...]:
        return rows_of(self, self.rows, self.width)

    @property
    def result_dtype(self) -> str | None:
        """An RMS norm of transformers computes in float32 (``LlamaRMSNorm.forward``)."""
        return "float32" if self.function == "rms_norm" else None

    def weights(self) -> Dim:
        usual = 2 if self.function == "layer_norm" else 1
        return self.width * (usual if self.parameters is None else self.parameters)

    def weights_read(self) -> Dim:
        return at_most_one(self.rows) * self.weights()

    def backward(self, needs: Needs) -> Iterator[VectorGradient]:
        """Yield the gradient of the vectors, and those of the weights, summed over the rows."""
        place = place_of(self)
        if needs.inputs:
            yield VectorGradient(function=self.function, outputs=self.elements, **place)
        if needs.weights:
            sums = ("norm_weight", "bias") if self.function == "layer_norm" else ("norm_weight",)
            for function in sums[: self.parameters]:
                yield VectorGradient(
                    function=function, outputs=self.elements, writes=self.width, **place
                )

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield the vectors and the statistics of each: n = (x - mean) / deviation is made again.

        A layer norm has two statistics, an RMS norm one.
        """
        yield Kept(elements=self.elements, operand=0)
        statistics = 2 if self.function == "layer_norm" else 1
        yield Kept(elements=statistics * self.rows, bytes_each=FLOAT32)


@frozen(kw_only=True, eq=False)
class Softmax(VectorOp):
    """A softmax over materialised scores.

    Attributes:
        lookup_weights: elements of the weights from which scores are looked up, if they are.
        lookup_reads: elements of those weights that are read.
    """

    kind = "softmax"
    scores: Dim = dim_field()
    lookup_weights: Dim = dim_field(default=0)
    lookup_reads: Dim = dim_field(default=0)

    @property
    def elements(self) -> Dim:
        return self.scores

    def weights(self) -> Dim:
        return self.lookup_weights

    def weights_read(self) -> Dim:
        return self.lookup_reads

    saves_results = True

    def backward(self, needs: Needs) -> Iterator[VectorGradient]:
        """Yield dS = P * (dP - sum(dP * P))."""
        yield VectorGradient(function="softmax", outputs=self.scores, **place_of(self))

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield P."""
        yield Kept(elements=self.scores, result=True)


_BINARY = frozenset({"add", "multiply"})

_OF_RESULTS = frozenset({"exp", "relu", "sigmoid", "softcap", "sqrt"})
"""Functions whose derivative is one of their result: y, 1 if y > 0, y (1 - y), 1 - (y / cap)^2, and
1 / (2 y)."""


@frozen(kw_only=True, eq=False)
class Elementwise(VectorOp):
    """A function of each element: an entry of `Conventions`, such as ``add`` or ``gelu``.

    ``add`` and ``multiply`` read two operands as large as the outputs, unless ``reads`` says
    otherwise: a constant needs no read, a broadcast operand a smaller one.

    Attributes:
        lookup_weights: elements of the weights from which an operand is looked up, if it is.
        lookup_reads: elements of those weights that are read.
        first: elements of the first operand, if it is broadcast.
    """

    function: str = attrs.field(validator=attrs.validators.in_(ENTRIES))
    outputs: Dim = dim_field()
    lookup_weights: Dim = dim_field(default=0)
    lookup_reads: Dim = dim_field(default=0)
    first: Dim | None = optional_dim_field()

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.outputs

    def operands(self) -> Dim:
        return self.outputs * (2 if self.function in _BINARY else 1)

    def weights(self) -> Dim:
        return self.lookup_weights

    def weights_read(self) -> Dim:
        return self.lookup_reads

    @property
    def saves(self) -> bool:
        if self.function == "multiply":
            return len(self.takes) > 1  # a constant is not kept
        return self.function in attrs.fields_dict(BackwardConventions)

    def backward(self, needs: Needs) -> Iterator[VectorOp]:
        """Yield the product with the derivative; of a product, one with each other operand.

        A sum passes its gradient on, and adds it up for weights that it looked up.
        """
        place = place_of(self)
        if self.function == "multiply":
            for _ in range(sum(needs.operands)):
                yield Elementwise(function="multiply", outputs=self.outputs, **place)
        elif self.function in attrs.fields_dict(BackwardConventions) and needs.anything:
            yield VectorGradient(function=self.function, outputs=self.outputs, **place)
        elif self.function == "add" and needs.weights:
            yield Elementwise(function="add", outputs=self.outputs, **place)

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield what the derivative is a function of; of a choice, what was chosen.

        A product keeps each operand whose other one needs a gradient, and a factor that is no
        constant. A sum keeps nothing.
        """
        if self.function == "multiply":
            yield from self._kept_factors(needs)
        elif self.function == "top_k":
            yield Kept(elements=self.moved()[1], bytes_each=INDEX)
        elif self.function in attrs.fields_dict(BackwardConventions):
            of_result = self.function in _OF_RESULTS
            yield Kept(elements=self.outputs, operand=None if of_result else 0, result=of_result)

    def _kept_factors(self, needs: Needs) -> Iterator[Kept]:
        """Yield operands of a product; the second is what it reads besides the first."""
        first, *others = needs.operands
        elements = self.outputs if self.first is None else self.first
        rest = self.moved()[0] - elements
        if any(others) or needs.weights:
            yield Kept(elements=elements, operand=0)
        if first:
            yield Kept(elements=rest, operand=1 if others else None)


@frozen(kw_only=True, eq=False)
class Rope(VectorOp):
    """Rotary position embedding of ``tokens`` x ``heads`` vectors of ``head_dim`` elements.

    Attributes:
        positions: positions whose cosines and sines are read; by default one per token, which is
            too many if the sequences of a batch share them.
        angles: the name of those cosines and sines, which all layers share.
    """

    kind = "rope"
    tokens: Dim = dim_field()
    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    positions: Dim | None = optional_dim_field()
    angles: str = "angles"

    @property
    def elements(self) -> Dim:
        return self.tokens * self.heads * self.head_dim

    def operands(self) -> Dim:
        return self.elements + self._angles

    @property
    def _angles(self) -> Dim:
        """Number of cosines and sines."""
        return 2 * self.head_dim * (self.tokens if self.positions is None else self.positions)

    def tensors(self) -> tuple[Tensor, ...]:
        """Return none: queries and keys are rotated apart, each as large as its projection."""
        return ()

    def backward(self, needs: Needs) -> Iterator[VectorGradient]:
        """Yield the rotation back."""
        yield VectorGradient(function="rope", outputs=self.elements, **place_of(self))

    def keeps(self, needs: Needs) -> Iterator[Kept]:
        """Yield the cosines and sines, which the rotation back reads."""
        yield Kept(elements=self._angles, shared=self.angles)
