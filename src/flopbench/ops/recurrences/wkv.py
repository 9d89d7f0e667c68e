"""The recurrence of RWKV, and the shift of its inputs by a token (RWKV-4, arXiv:2305.13048)."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.dims import Dim, dim_field
from flopbench.ops.base import PricedOp
from flopbench.ops.recurrences.chain import Chain
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class TokenShift(Chain):
    """m x[t] + (1 - m) x[t - 1], several times: m is a weight per channel, another each time.

    Attributes:
        mixes: how many times.
    """

    operand_names = ("inputs",)
    no_chunks = "a shift has no chunks"

    width: Dim = dim_field()
    mixes: int

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        return (self.batch * self.tokens * self.width,)

    @property
    def result_elements(self) -> Dim:
        return self.mixes * self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return self.width

    def weights(self) -> Dim:
        return self.mixes * self.width

    def sequential(self) -> Iterator[PricedOp]:
        """Yield both products, and their sum, of each mixture."""
        elements = self.operand_elements[0]
        for mix in range(self.mixes):
            yield self.op(
                Elementwise,
                takes=("inputs",),
                gives="now",
                function="multiply",
                outputs=elements,
                reads=elements,
                lookup_weights=self.width,
                lookup_reads=self.width,
            )
            yield self._vector("add", self.width, gives="rest")
            yield self._vector("multiply", elements, "inputs", "rest", gives="before")
            last = mix == self.mixes - 1
            gives = "inputs" if last else f"mix {mix}"
            yield self._vector("add", elements, "now", "before", gives=gives)


@frozen(kw_only=True, eq=False)
class Wkv(Chain):
    """y[t] = (N[t - 1] + exp(u + k[t]) v[t]) / (D[t - 1] + exp(u + k[t])), for each channel.

    N[t] = exp(-exp(w)) N[t - 1] + exp(k[t]) v[t], and D the same without v; u and w are weights,
    one of each per channel. All exponents are taken relative to the largest one, which is part of
    the state. Source: arXiv:2305.13048, equations 16 and 19 to 22.
    """

    operand_names = ("values", "keys")
    state_dtype = "float32"
    no_chunks = "its exponents are relative to the largest one so far"

    width: Dim = dim_field()

    @property
    def operand_elements(self) -> tuple[Dim, ...]:
        return (self.batch * self.tokens * self.width,) * 2

    @property
    def result_elements(self) -> Dim:
        return self.operand_elements[0]

    @property
    def state_elements(self) -> Dim:
        return 3 * self.width

    def weights(self) -> Dim:
        return 2 * self.width

    def sequential(self) -> Iterator[PricedOp]:
        """Yield the result and the new state: each with two weights, a numerator, a denominator."""
        elements = self.operand_elements[0]
        if not self.cached:
            yield self._vector("add", self.batch * self.width, gives="largest")
        yield self.op(Elementwise, takes=(), gives="rates", function="exp", outputs=self.width)
        yield self._weighed("add", elements, self.width, "keys")
        yield self._vector("add", elements, "keys")
        yield from self._weighted(elements)
        yield self._vector("multiply", elements, "numerator", "denominator", gives="result")
        yield self._weighed("add", elements, self.width, "largest")
        yield self._vector("add", elements, "largest")
        yield from self._weighted(elements)
        yield self._vector("add", 0, "result", gives="values")

    def _weighted(self, elements: Dim) -> Iterator[PricedOp]:
        """Yield the largest exponent, both weights, and the sums that they weight."""
        yield self._vector("maximum", elements, "largest", "keys", gives="largest")
        for name, gives in (("largest", "old"), ("keys", "new")):
            yield self._vector("add", elements, name, "largest", gives=gives)
            yield self._vector("exp", elements, gives)
        yield self._vector("multiply", elements, "numerator", "old", gives="numerator")
        yield self._vector("multiply", elements, "values", "new", gives="weighted")
        yield self._vector("add", elements, "numerator", "weighted", gives="numerator")
        yield self._vector("multiply", elements, "denominator", "old", gives="denominator")
        yield self._vector("add", elements, "denominator", "new", gives="denominator")
