"""A state space with a scalar decay per head: Mamba 2.

Source: Dao and Gu, arXiv:2405.21060; the chunks are those of its section 6 (state-space duality).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, ceil_div, dim_field
from flopbench.ops.base import PricedOp
from flopbench.ops.matrix import MatMul
from flopbench.ops.recurrences.recurrence import Recurrence
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class StateSpace(Recurrence):
    """h[t] = exp(A d[t]) h[t - 1] + d[t] x[t] B[t]', y[t] = h[t] C[t] + D x[t], for each head.

    d = softplus(given + bias) is the step; A, D and the bias are weights, one of each per head.

    Attributes:
        heads: heads, each with a state of ``head_dim`` x ``state_size``.
        groups: sets of B and C, each shared by heads / groups heads.
        chunk: tokens of a chunk. A sequence is padded to whole chunks.
    """

    operand_names = ("values", "steps", "keys", "queries")
    state_dtype = "float32"

    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    state_size: Dim = dim_field()
    groups: Dim = dim_field(default=1)
    chunk: Dim = dim_field()

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        tokens, shared = self.batch * self.tokens, self.groups * self.state_size
        return tokens * self.heads * self.head_dim, tokens * self.heads, *(tokens * shared,) * 2

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.heads * self.head_dim * self.state_size

    def weights(self) -> Dim:
        return 3 * self.heads

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the discretisation, the new state, and its product with C."""
        rows = self.batch * self.tokens * self.heads
        values = rows * self.head_dim
        states = values * self.state_size
        yield from self._steps(values)
        yield self._weighed("multiply", states, "steps", "decay")
        yield self._vector("exp", states, "decay")
        yield self._vector("multiply", states, "steps", "keys", gives="keys")
        yield self._vector("multiply", states, "keys", "values", gives="new")
        yield self._vector("multiply", states, "decay", gives="state")
        yield self._vector("add", states, "state", "new", gives="state")
        sizes = {"m": self.head_dim, "k": self.state_size, "n": 1}
        yield self._product(rows, "state", "queries", gives="out", **sizes)
        yield self._weighed("multiply", values, "values", "skip")
        yield self._vector("add", values, "out", "skip", gives="values")

    def chunked(self) -> Iterator[PricedOp]:
        """Yield what happens within chunks, between them, and from their start.

        Within a chunk, y = (L * (C B')) (d x), with L the decays between its positions; all chunks'
        first states follow from one product with the decays between chunks.
        """
        chunks, length = ceil_div(self.tokens, self.chunk), self.chunk
        rows = self.batch * self.tokens * self.heads
        blocks = self.batch * self.heads * chunks
        padded = blocks * length
        values, borders = padded * self.head_dim, chunks + 1
        between = self.batch * self.heads * borders * borders
        yield from self._steps(rows)
        yield self._weighed("multiply", values, "values", "skip")
        yield self._vector("multiply", rows * self.head_dim, "values", "steps", gives="inputs")
        yield self._weighed("multiply", rows, "steps", "decay")
        yield self._vector("cumsum", padded, "decay", gives="sums")
        yield self._vector("cumsum", padded * length, "decay", gives="pairs")
        yield self._vector("exp", padded * length, "pairs")
        inside = {"m": length, "k": self.state_size, "n": length}
        yield self._sum(blocks, "queries", "keys", gives="scores", **inside)
        yield self._vector("multiply", padded * length, "scores", "pairs", gives="scores")
        inside = {"m": length, "k": length, "n": self.head_dim}
        yield self._sum(blocks, "scores", "inputs", gives="out", **inside)
        yield self._vector("add", padded, "sums", gives="rest")
        yield self._vector("exp", padded, "rest")
        yield self._vector("multiply", padded * self.state_size, "keys", "rest", gives="keys")
        inside = {"m": self.state_size, "k": length, "n": self.head_dim}
        yield self._sum(blocks, "keys", "inputs", gives="states", **inside)
        yield self._vector("cumsum", between, "sums", gives="between")
        yield self._vector("exp", between, "between")
        across = {"m": borders, "k": borders, "n": self.head_dim * self.state_size}
        heads = self.batch * self.heads
        yield self._sum(heads, "between", "states", gives="states", **across)
        yield self._vector("exp", padded, "sums")
        inside = {"m": length, "k": self.state_size, "n": self.head_dim}
        yield self._sum(blocks, "queries", "states", gives="carried", **inside)
        yield self._vector("multiply", values, "carried", "sums", gives="carried")
        yield self._vector("add", values, "out", "carried", gives="out")
        yield self._vector("add", values, "out", "skip", gives="values")

    def _steps(self, elements: Dim) -> Iterator[PricedOp]:
        """Yield -exp(log of -A), and softplus of the steps with their bias."""
        yield self.op(Elementwise, takes=(), gives="decays", function="exp", outputs=self.heads)
        yield self._weighed("add", elements, "steps", "steps")
        yield self._vector("softplus", elements, "steps")

    def _weighed(self, function: str, elements: Dim, value: str, gives: str) -> Elementwise:
        """Return an operation of a value with a weight per head."""
        weights = {"lookup_weights": self.heads, "lookup_reads": self.heads}
        return self.op(
            Elementwise,
            takes=(value,),
            gives=gives,
            function=function,
            outputs=elements,
            reads=elements,
            **weights,
        )

    def _vector(
        self, function: str, elements: Dim, *takes: str, gives: str | None = None
    ) -> Elementwise:
        reads = len(takes) * elements
        given = takes[0] if gives is None else gives
        return self.op(
            Elementwise, takes=takes, gives=given, function=function, outputs=elements, reads=reads
        )

    def _sum(self, batch: Dim, *takes: str, gives: str, **sizes: Dim) -> PricedOp:
        """Return a sum of products: over one term, torch.einsum only multiplies."""
        if isinstance(sizes["k"], int) and sizes["k"] == 1:
            outputs = batch * sizes["m"] * sizes["n"]
            return self._vector("multiply", outputs, *takes, gives=gives)
        return self._product(batch, *takes, gives=gives, **sizes)

    def _product(self, batch: Dim, *takes: str, gives: str, **sizes: Dim) -> MatMul:
        return self.op(MatMul, takes=takes, gives=gives, batch=batch, **sizes)
