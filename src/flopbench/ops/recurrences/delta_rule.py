"""The gated delta rule: a state that is corrected by what it does not predict.

Sources: Gated DeltaNet, arXiv:2412.06464; the chunks are those of its section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, ceil_div, dim_field, triangle
from flopbench.ops.base import PricedOp
from flopbench.ops.matrix import TriangularSolve
from flopbench.ops.recurrences.chain import Chain
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class DeltaRule(Chain):
    """S[t] = a[t] S[t - 1] + b[t] k[t] (v[t] - a[t] S[t - 1]' k[t])', y[t] = S[t]' q[t], each head.

    Queries and keys are scaled to length 1, the queries by a constant, too. Each head has its own
    a = exp(-exp(A) softplus(given + bias)), the decay, and b = sigmoid(given), the rate; A and the
    bias are weights, one of each per head.

    Attributes:
        heads: value heads, each with a state of ``key_dim`` x ``value_dim``.
        key_heads: heads of queries and keys, each for heads / key_heads value heads.
        doubled: whether the rate is doubled, to up to 2.
        chunk: tokens of a chunk. A sequence is padded to whole chunks.
    """

    operand_names = ("values", "queries", "keys", "decay", "rate")
    state_dtype = "float32"

    heads: Dim = dim_field()
    key_heads: Dim = dim_field()
    key_dim: Dim = dim_field()
    value_dim: Dim = dim_field()
    doubled: bool = False
    chunk: Dim = dim_field(default=64)

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        tokens = self.batch * self.tokens
        keys, rows = tokens * self.key_heads * self.key_dim, tokens * self.heads
        return rows * self.value_dim, keys, keys, rows * self.decays, rows

    @property
    def decays(self) -> Dim:
        """Decays of a head for each token."""
        return 1

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.heads * self.key_dim * self.value_dim

    def weights(self) -> Dim:
        return self.heads * (1 + self.decays)

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the decay of the state, its correction, and its product with the query."""
        rows = self.batch * self.tokens * self.heads
        yield from self._gates(rows)
        yield from self._unit_vectors(rows)
        yield self._vector("multiply", rows * self.key_dim, "queries")
        values = rows * self.value_dim
        states = values * self.key_dim
        yield self._vector("exp", rows * self.decays, "decay")
        yield self._vector("multiply", states, "state", "decay", gives="state")
        yield self._vector("multiply", states, "state", "keys", gives="predicted")
        yield self._vector("add", states - values, "predicted")
        yield self._vector("add", values, "values", "predicted", gives="new")
        yield self._vector("multiply", values, "new", "rate", gives="new")
        yield self._vector("multiply", states, "keys", "new", gives="new")
        yield self._vector("add", states, "state", "new", gives="state")
        yield self._vector("multiply", states, "state", "queries", gives="values")
        yield self._vector("add", states - values, "values")

    def chunked(self) -> Iterator[PricedOp]:
        """Yield what happens within all chunks, then what happens from one to the next.

        In a chunk, all corrections depend on those before them: (1 + L) U = V, and the same for
        the keys that read the first state, with L the strict lower triangle of (b K) K' times the
        decays between positions.
        """
        chunks, length = ceil_div(self.tokens, self.chunk), self.chunk
        rows, blocks = self.batch * self.tokens * self.heads, self.batch * self.heads * chunks
        padded = blocks * length
        keys, pairs = padded * self.key_dim, padded * length
        yield from self._gates(rows)
        yield from self._unit_vectors(rows)
        yield self._vector("multiply", rows * self.key_dim, "queries")
        yield self._vector("multiply", padded * self.value_dim, "values", "rate", gives="values")
        yield self._vector("multiply", keys, "keys", "rate", gives="rated")
        yield self._vector("cumsum", padded, "decay")
        yield self._vector("add", pairs, "decay", gives="pairs")
        yield self._vector("exp", pairs, "pairs")
        inside = {"m": length, "k": self.key_dim, "n": length}
        yield self._product(blocks, "rated", "keys", gives="triangle", **inside)
        yield self._vector("multiply", pairs, "triangle", "pairs", gives="triangle")
        yield self._product(blocks, "queries", "keys", gives="scores", **inside)
        yield self._vector("multiply", pairs, "scores", "pairs", gives="scores")
        yield self._vector("exp", padded, "decay", gives="since")
        yield self._vector("multiply", keys, "rated", "since", gives="rated")
        for right, columns in (("values", self.value_dim), ("rated", self.key_dim)):
            solved = {"batch": blocks, "n": length, "columns": columns, "unit_diagonal": True}
            yield self.op(TriangularSolve, takes=("triangle", right), gives=right, **solved)
        yield self._vector("exp", padded, "decay", gives="since")
        yield self._vector("multiply", keys, "queries", "since", gives="queries")
        yield self._vector("add", padded, "decay", gives="rest")
        yield self._vector("exp", padded, "rest")
        yield self._vector("multiply", keys, "keys", "rest", gives="keys")
        yield self._vector("exp", blocks, "decay", gives="whole")
        yield from self._from_chunk_to_chunk(chunks, length)

    def _from_chunk_to_chunk(self, chunks: Dim, length: Dim) -> Iterator[PricedOp]:
        """Yield the results, and the new state, of each chunk.

        A first state of zeros is multiplied, too, but needs no gradient; nor does the last state,
        which only later passes use.
        """
        heads = self.batch * self.heads
        values = heads * chunks * length * self.value_dim
        states = heads * self.key_dim * self.value_dim
        reading = {"m": length, "k": self.key_dim, "n": self.value_dim}
        writing = {"m": self.key_dim, "k": length, "n": self.value_dim}
        inside = {"m": length, "k": length, "n": self.value_dim}
        later = heads * (chunks - 1)
        yield self._product(heads, "rated", "first state", gives="predicted", **reading)
        yield self._product(later, "keys", "values", gives="state", **writing)
        yield self._product(later, "rated", "state", gives="predicted", **reading)
        yield self._vector("add", values, "values", "predicted", gives="new")
        yield self._product(heads, "queries", "first state", gives="out", **reading)
        yield self._product(later, "queries", "state", gives="out", **reading)
        yield self._product(heads * chunks, "scores", "new", gives="inside", **inside)
        yield self._vector("add", values, "out", "inside", gives="values")
        yield self._product(heads, gives="last state", **writing)
        yield self._vector("multiply", states * chunks, "state", "whole", gives="state")
        yield self._vector("add", states * chunks, "state", gives="state")

    def _gates(self, rows: Dim) -> Iterator[PricedOp]:
        """Yield the rate, and the logarithm of the decay."""
        yield self._vector("sigmoid", rows, "rate")
        if self.doubled:
            yield self._vector("multiply", rows, "rate")
        yield self.op(Elementwise, takes=(), gives="decays", function="exp", outputs=self.heads)
        decays = rows * self.decays
        yield self._weighed("add", decays, self.heads * self.decays, "decay")
        yield self._vector("softplus", decays, "decay")
        yield self._weighed("multiply", decays, self.heads, "decay")

    def _unit_vectors(self, rows: Dim) -> Iterator[PricedOp]:
        """Yield the scaling of queries and keys to length 1, once for each value head."""
        elements = rows * self.key_dim
        for name in ("queries", "keys"):
            yield self._vector("multiply", elements, name, gives="length")
            yield self._vector("add", elements - rows, "length")
            yield self._vector("multiply", elements, name, "length", gives=name)


@frozen(kw_only=True, eq=False)
class ChannelDeltaRule(DeltaRule):
    """A delta rule with a decay for each channel of the keys: Kimi Delta Attention.

    Source: arXiv:2510.26692.
    """

    @property
    def decays(self) -> Dim:
        return self.key_dim

    def chunked(self) -> Iterator[PricedOp]:
        """Yield what happens within all chunks, then what happens from one to the next.

        The products of keys and queries with keys have a decay of their own in each channel:
        transformers multiplies and adds up. It inverts 1 + L row by row: row i takes i^2
        products, and as many sums.
        """
        chunks, length = ceil_div(self.tokens, self.chunk), self.chunk
        rows, blocks = self.batch * self.tokens * self.heads, self.batch * self.heads * chunks
        padded = blocks * length
        keys, pairs = padded * self.key_dim, padded * length
        channels = pairs * self.key_dim
        yield from self._gates(rows)
        yield from self._unit_vectors(rows)
        yield self._vector("multiply", keys, "queries")
        yield self._vector("multiply", padded * self.value_dim, "values", "rate", gives="values")
        yield self._vector("multiply", keys, "keys", "rate", gives="rated")
        yield self._vector("cumsum", keys, "decay")
        yield self._vector("add", channels, "decay", gives="pairs")
        yield self._vector("exp", channels, "pairs")
        for name, gives in (("rated", "inverse"), ("queries", "scores")):
            yield self._vector("multiply", channels, name, "keys", gives=gives)
            yield self._vector("multiply", channels, gives, "pairs", gives=gives)
            yield self._vector("add", channels - pairs, gives)
        squares = blocks * (triangle(length - 1) * (2 * length - 1) // 3)
        yield self._vector("multiply", squares, "inverse", "inverse", gives="inverse")
        yield self._vector("add", squares + pairs, "inverse")
        yield self._vector("exp", keys, "decay", gives="since")
        yield self._vector("multiply", keys, "rated", "since", gives="rated")
        for right, columns in (("values", self.value_dim), ("rated", self.key_dim)):
            inverted = {"m": length, "k": length, "n": columns}
            yield self._product(blocks, "inverse", right, gives=right, **inverted)
        yield self._vector("exp", keys, "decay", gives="since")
        yield self._vector("multiply", keys, "queries", "since", gives="queries")
        yield self._vector("add", keys, "decay", gives="rest")
        yield self._vector("exp", keys, "rest")
        yield self._vector("multiply", keys, "keys", "rest", gives="keys")
        yield self._vector("exp", blocks * self.key_dim, "decay", gives="whole")
        yield from self._from_chunk_to_chunk(chunks, length)
