"""Everything but matrix work: norms, softmax, elementwise functions, look-ups, the KV cache."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, at_most_one, dim_field
from flopbench.ops.base import VectorOp, optional_dim_field


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

    def weights(self) -> Dim:
        usual = 2 if self.function == "layer_norm" else 1
        return self.width * (usual if self.parameters is None else self.parameters)

    def weights_read(self) -> Dim:
        return at_most_one(self.rows) * self.weights()


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


_BINARY = frozenset({"add", "multiply"})


@frozen(kw_only=True, eq=False)
class Elementwise(VectorOp):
    """A function of each element: an entry of `Conventions`, such as ``add`` or ``gelu``.

    ``add`` and ``multiply`` read two operands as large as the outputs, unless ``reads`` says
    otherwise: a constant needs no read, a broadcast operand a smaller one.

    Attributes:
        lookup_weights: elements of the weights from which an operand is looked up, if it is.
        lookup_reads: elements of those weights that are read.
    """

    function: str = attrs.field(
        validator=attrs.validators.in_([a.name for a in attrs.fields(Conventions)])
    )
    outputs: Dim = dim_field()
    lookup_weights: Dim = dim_field(default=0)
    lookup_reads: Dim = dim_field(default=0)

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


@frozen(kw_only=True, eq=False)
class Rope(VectorOp):
    """Rotary position embedding of ``tokens`` x ``heads`` vectors of ``head_dim`` elements.

    Attributes:
        positions: positions whose cosines and sines are read; by default one per token, which is
            too many if the sequences of a batch share them.
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
