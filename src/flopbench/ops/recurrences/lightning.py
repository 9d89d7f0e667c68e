"""Linear attention with a constant decay per head: lightning attention.

Sources: arXiv:2401.04658, whose section 3 has the blocks; MiniMax-01, arXiv:2501.08313.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from flopbench.dims import Dim, ceil_div, dim_field, minimum
from flopbench.ops.base import PricedOp
from flopbench.ops.recurrences.chain import Chain


@frozen(kw_only=True, eq=False)
class Lightning(Chain):
    """S[t] = a S[t - 1] + k[t] v[t]', y[t] = S[t]' q[t], with a constant a for each head.

    transformers works token by token whenever there is a state, however many tokens are new.

    Attributes:
        heads: heads, each with a state of ``head_dim`` x ``head_dim``.
        block: tokens of a block; the last one of a sequence has the rest.
    """

    operand_names = ("values", "queries", "keys")

    heads: Dim = dim_field()
    head_dim: Dim = dim_field()
    block: Dim = dim_field()

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        return (self.batch * self.tokens * self.heads * self.head_dim,) * 3

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.heads * self.head_dim * self.head_dim

    def as_run(self) -> Iterable[PricedOp]:
        return self.sequential() if self.resumed else self.chunked()

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the decayed state, what each token adds to it, and its product with the query."""
        rows, width = self.batch * self.tokens * self.heads, self.head_dim
        states = rows * width * width
        yield self._vector("exp", self.heads, gives="decay")
        yield self._product(rows, "keys", "values", gives="new", m=width, k=1, n=width)
        yield self._vector("multiply", states, "state", "decay", gives="state")
        yield self._vector("add", states, "state", "new", gives="state")
        yield self._product(rows, "queries", "state", gives="values", m=1, k=width, n=width)

    def chunked(self) -> Iterator[PricedOp]:
        """Yield the whole blocks but the last, and the last one.

        A first state of zeros is multiplied, too, but needs no gradient; nor does the last state,
        which only later passes use.
        """
        blocks, heads = ceil_div(self.tokens, self.block), self.batch * self.heads
        before, width = blocks - 1, self.head_dim
        values = heads * self.tokens * width
        last = self.tokens - before * self.block
        states = heads * blocks * width * width
        sizes = ((heads * before, self.block), (heads, last))
        pairs = sum(count * length * length for count, length in sizes)
        yield self._vector("multiply", self.heads * blocks, gives="decay")
        yield self._vector("exp", self.heads * blocks, "decay")
        for count, length in sizes:
            inside = {"m": length, "k": width, "n": length}
            yield self._product(count, "queries", "keys", gives="scores", **inside)
        yield self._vector("multiply", pairs, "scores", gives="scores")
        for count, length in sizes:
            inside = {"m": length, "k": length, "n": width}
            yield self._product(count, "scores", "values", gives="inside", **inside)
        yield self._vector("multiply", values, "queries")
        yield self._vector("multiply", values, "keys")
        writing = {"m": width, "k": self.block, "n": width}
        yield self._product(heads * before, "keys", "values", gives="state", **writing)
        yield self._product(heads, gives="last state", **(writing | {"k": last}))
        first = minimum(self.tokens, self.block)
        reading: dict[str, Any] = {"k": width, "n": width, "gives": "out"}
        yield self._product(heads, "queries", "first state", m=first, **reading)
        yield self._product(heads, "queries", "state", m=self.tokens - first, **reading)
        yield self._vector("add", values, "out", "inside", gives="values")
        yield self._vector("multiply", states, "state", "decay", gives="state")
        yield self._vector("add", states, "state")
