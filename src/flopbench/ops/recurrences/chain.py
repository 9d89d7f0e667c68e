"""What most kinds of recurrence yield: functions of values, and products of two."""

from __future__ import annotations

from attrs import frozen

from flopbench.dims import Dim
from flopbench.ops.matrix import MatMul
from flopbench.ops.recurrences.recurrence import Recurrence
from flopbench.ops.vector import Elementwise


@frozen(kw_only=True, eq=False)
class Chain(Recurrence):
    """A recurrence that makes each value from others by an operation of its own."""

    def _vector(
        self, function: str, elements: Dim, *takes: str, gives: str | None = None
    ) -> Elementwise:
        """Return a function of values of as many elements; it gives the first unless told."""
        return self.op(
            Elementwise,
            takes=takes,
            gives=(*takes, "")[0] if gives is None else gives,
            function=function,
            outputs=elements,
            reads=len(takes) * elements,
        )

    def _weighed(self, function: str, elements: Dim, weights: Dim, value: str) -> Elementwise:
        """Return an operation of a value with weights that are broadcast to it."""
        return self.op(
            Elementwise,
            takes=(value,),
            gives=value,
            function=function,
            outputs=elements,
            reads=elements,
            lookup_weights=weights,
            lookup_reads=weights,
        )

    def _product(self, batch: Dim, *takes: str, gives: str, **sizes: Dim) -> MatMul:
        return self.op(MatMul, takes=takes, gives=gives, batch=batch, **sizes)
