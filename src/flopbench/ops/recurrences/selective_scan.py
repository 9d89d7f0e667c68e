"""A state space with a decay per channel and element of the state: Mamba.

Source: Gu and Dao, arXiv:2312.00752, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, dim_field
from flopbench.ops.base import PricedOp
from flopbench.ops.matrix import MatMul
from flopbench.ops.recurrences.recurrence import Recurrence
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class SelectiveScan(Recurrence):
    """h[t] = exp(A d[t]) h[t - 1] + d[t] B[t] x[t], y[t] = h[t] C[t] + D x[t], for each channel.

    d = softplus(given + bias) is the step, one per channel; A is a weight for each element of the
    state, D and the bias are one per channel.

    Attributes:
        channels: channels, each with a state of ``state_size``.
        heads: sets of B and C, each shared by channels / heads channels.
    """

    operand_names = ("values", "steps", "keys", "queries")
    state_dtype = "float32"
    no_chunks = "a decay per element of the state makes no products of chunks"

    channels: int
    state_size: Dim = dim_field()
    heads: int = 1

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        tokens = self.batch * self.tokens
        shared = tokens * self.heads * self.state_size
        return *(tokens * self.channels,) * 2, shared, shared

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.channels * self.state_size

    def weights(self) -> Dim:
        return self.state_elements + 2 * self.channels

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the discretisation, the new states, and their products with C.

        transformers discretises all tokens first, and then takes one after the other.
        """
        tokens = self.batch * self.tokens
        values = tokens * self.channels
        states, shared = values * self.state_size, tokens * self.heads * self.state_size
        decays = self.state_elements
        yield self.op(Elementwise, takes=(), gives="decays", function="exp", outputs=decays)
        yield self._weighed("add", values, self.channels, "steps", gives="steps")
        yield self._vector("softplus", values, values, "steps")
        yield self._weighed(
            "multiply", states, decays, "steps", gives="decay", reads=values, first=values
        )
        yield self._vector("exp", states, states, "decay")
        yield self._vector(
            "multiply", states, values + shared, "steps", "keys", gives="keys", first=values
        )
        yield self._vector("multiply", states, states + values, "keys", "values", gives="new")
        yield self._vector("multiply", states, 2 * states, "decay", gives="state")
        yield self._vector("add", states, 2 * states, "state", "new", gives="state")
        yield self.op(
            MatMul,
            takes=("state", "queries"),
            gives="out",
            batch=tokens * self.heads,
            m=self.channels // self.heads,
            k=self.state_size,
            n=1,
        )
        yield self._weighed("multiply", values, self.channels, "values", gives="skip")
        yield self._vector("add", values, 2 * values, "out", "skip", gives="values")

    def _weighed(
        self, function: str, outputs: Dim, weights: Dim, value: str, *, gives: str, **sizes: Dim
    ) -> Elementwise:
        """Return an operation of a value with weights."""
        return self.op(
            Elementwise,
            takes=(value,),
            gives=gives,
            function=function,
            outputs=outputs,
            lookup_weights=weights,
            lookup_reads=weights,
            **({"reads": outputs} | sizes),
        )

    def _vector(
        self,
        function: str,
        outputs: Dim,
        reads: Dim,
        *takes: str,
        gives: str | None = None,
        first: Dim | None = None,
    ) -> Elementwise:
        return self.op(
            Elementwise,
            takes=takes,
            gives=takes[0] if gives is None else gives,
            function=function,
            outputs=outputs,
            reads=reads,
            first=first,
        )
