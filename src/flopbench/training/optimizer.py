"""The optimizer's step: vector work over the trained weights, and Muon's products.

Muon (https://kellerjordan.github.io/posts/muon/) makes the momentum of a weight matrix nearly
orthogonal with five Newton-Schulz iterations, X = a X + (b A + c A A) X with A = X X'. For X of
m x n, the transposed matrix if m > n, each takes 2 m^2 n + 2 m^3 + 2 m^2 n FLOPs. It is for the
weight matrices of layers, each expert's on its own; embeddings, the LM head, norms and biases get
AdamW.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import DEFAULT_DTYPE, Dim, dim_field, is_zero, minimum
from flopbench.ops import FLOAT32, Core, Cost, MatMul, Op, PricedOp, VectorOp
from flopbench.storage import Matrix, Storage, bytes_of
from flopbench.training.flow import Trains
from flopbench.training_step import TrainOptions

ITERATIONS: Final = 5
"""Newton-Schulz iterations of Muon's author, and PyTorch's default."""

_NOTHING_ALIVE: Final = {"peak_elements": 0, "last_result": 0}
"""An update needs no activations; what it makes meanwhile is for one weight matrix at a time."""


@frozen(kw_only=True, eq=False)
class OptimizerStep(VectorOp):
    """The update of weights from their gradients, in one pass over all tensors.

    Attributes:
        function: ``adamw``, ``sgd``, ``momentum`` (SGD's) or ``muon``.
        updated: weights of one copy.
        options: how they are trained.
    """

    function: str
    updated: Dim = dim_field()
    options: TrainOptions

    @property
    def kind(self) -> str:
        return self.function

    @property
    def elements(self) -> Dim:
        return self.updated

    @property
    def states(self) -> int:
        """What is kept for each weight: two moments, one momentum, or nothing."""
        return {"adamw": 2, "sgd": 0}.get(self.function, 1)

    def vector_flops(self, conventions: Conventions) -> Dim:
        table = conventions.optimizer
        each = table.sgd + table.momentum if self.function == "momentum" else None
        return self.updated * (getattr(table, self.function) if each is None else each)

    def held(self, storage: Storage) -> tuple[Dim, Dim]:
        """Return the bytes of gradients, and of states and float32 weights, of all copies."""
        count, options = self.updated * self.layers, self.options
        states = self.states * bytes_of(count, options.state_dtype)
        master = FLOAT32 * count if options.master_weights else 0
        return bytes_of(count, options.gradient_dtype or storage.rest), states + master

    def cost(self, conventions: Conventions, storage: Storage | str = DEFAULT_DTYPE) -> Cost:
        """Price the update: it reads weights, gradients and states, and writes all but gradients.

        A float32 copy is read in place of the weights.
        """
        storage = Storage.made(storage)
        weights = bytes_of(self.updated * self.layers, storage.rest)
        gradients, states = self.held(storage)
        return attrs.evolve(
            super().cost(conventions, storage),
            weight_bytes_read=0 if self.options.master_weights else weights,
            activation_bytes_read=gradients + states,
            activation_bytes_written=weights + states,
        )


@frozen(kw_only=True, eq=False)
class NewtonSchulz(VectorOp):
    """The sums of an iteration, besides its products.

    Attributes:
        rows, columns: of the matrices; there are as few rows as columns, or fewer.
        count: matrices of one copy.
    """

    kind = "newton_schulz"
    rows: Dim = dim_field()
    columns: Dim = dim_field()
    count: Dim = dim_field()

    @property
    def elements(self) -> Dim:
        return self.count * self.rows * (self.rows + self.columns)

    def operands(self) -> Dim:
        return 2 * self.elements

    def vector_flops(self, conventions: Conventions) -> Dim:
        table = conventions.optimizer
        gram, update = table.newton_schulz_gram * self.rows, table.newton_schulz * self.columns
        return self.count * self.rows * (gram + update)


def optimizer(ops: Iterable[Op], trains: Trains, options: TrainOptions) -> Iterator[Op]:
    """Yield the optimizer's step over the trained weights of a forward, each held once."""
    for op in ops:
        weights = weights_of(op)
        if op.weights_shared or is_zero(weights) or not trains(op):
            continue
        place: dict[str, Any] = {"component": op.component, "layers": op.layers}
        every = {**place, "options": options, **_NOTHING_ALIVE}
        matrices = _matrices(op) if options.optimizer == "muon" else ()
        inside = sum(matrix.elements for matrix in matrices)
        if matrices:
            yield OptimizerStep(function="muon", updated=inside, **every)
            for matrix in matrices:
                yield from _newton_schulz(matrix, place)
        if not is_zero(weights - inside):
            yield OptimizerStep(function=_function(options), updated=weights - inside, **every)


def weights_of(op: Op) -> Dim:
    """Return the weights of one copy of an operation; those of an attention core are its sinks."""
    return op.weights() if isinstance(op, Core | PricedOp) else 0


def _function(options: TrainOptions) -> str:
    if options.optimizer == "sgd":
        return "sgd" if options.momentum is False else "momentum"
    return "adamw"


def _matrices(op: Op) -> tuple[Matrix, ...]:
    """Return what Muon is for: the weight matrices of layers."""
    return op.matrices() if isinstance(op, PricedOp) and op.unit is not None else ()


def _newton_schulz(matrix: Matrix, place: dict[str, Any]) -> Iterator[PricedOp]:
    """Yield the products of all iterations, and their sums."""
    rows = minimum(matrix.rows, matrix.columns)
    columns = matrix.rows + matrix.columns - rows
    every: dict[str, Any] = {**place, **_NOTHING_ALIVE, "steps": ITERATIONS}
    for inner, outer in ((columns, rows), (rows, rows), (rows, columns)):
        yield MatMul(batch=matrix.copies, m=rows, k=inner, n=outer, **every)
    yield NewtonSchulz(rows=rows, columns=columns, count=matrix.copies, **every)
