"""The bound of operations: each at the peak rate that binds it, one after the other.

The roofline model (Williams, Waterman and Patterson, CACM 52(4), 2009), op by op: an operation
takes at least max(tensor FLOPs / peak, bytes / bandwidth), if all its operands come from memory
and all its results go there. Routed experts' weights are those that a batch is expected to meet.
Vector FLOPs do not enter: they follow a convention, not a machine's instructions.

Fused operations, or a cache that keeps a result for the next operation, can take less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import asdict, frozen

from flopbench.analytic.price import StagePrice
from flopbench.hardware.machine import Machine
from flopbench.ops import Cost, PricedOp

Limit = Literal["compute", "memory"]


@frozen(eq=False)
class Bound:
    """A bound on the time of some operations, in milliseconds. Bounds can be added.

    Attributes:
        ms: the bound: ``compute_bound_ms`` + ``memory_bound_ms``.
        compute_bound_ms: the part of operations that compute binds.
        memory_bound_ms: the part of operations that memory binds.
        compute_ms: all tensor FLOPs at the peaks of their dtypes.
        memory_ms: all bytes at the bandwidth.
        tensor_flops, bytes_moved: that work.
    """

    compute_bound_ms: float = 0.0
    memory_bound_ms: float = 0.0
    compute_ms: float = 0.0
    memory_ms: float = 0.0
    tensor_flops: int = 0
    bytes_moved: float = 0.0

    @property
    def ms(self) -> float:
        """The bound."""
        return self.compute_bound_ms + self.memory_bound_ms

    @property
    def bound_by(self) -> Limit | None:
        """What binds the larger part of the time; None if there is nothing to do."""
        if not self.ms:
            return None
        return "compute" if self.compute_bound_ms > self.memory_bound_ms else "memory"

    @property
    def flops_per_byte(self) -> float | None:
        """Tensor FLOPs per byte moved."""
        return self.tensor_flops / self.bytes_moved if self.bytes_moved else None

    def __add__(self, other: Bound) -> Bound:
        one, two = asdict(self), asdict(other)
        return Bound(**{name: one[name] + two[name] for name in one})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and what follows from them."""
        return {"bound_ms": self.ms, "bound_by": self.bound_by, **asdict(self)}


def op_bound(op: PricedOp, cost: Cost, machine: Machine) -> Bound:
    """Return the bound of all runs of an operation.

    Raises:
        UsageError: the GPU has no peak for the dtype of its products.
    """
    flops = int(cost.tensor_flops)
    compute = machine.compute_ms(machine.dtype_of(op), flops)
    memory = machine.memory_ms(cost.bytes_moved)
    return Bound(
        compute_bound_ms=compute if compute > memory else 0.0,
        memory_bound_ms=0.0 if compute > memory else memory,
        compute_ms=compute,
        memory_ms=memory,
        tensor_flops=flops,
        bytes_moved=cost.bytes_moved,
    )


def component_bounds(priced: StagePrice, machine: Machine) -> Mapping[str, Bound]:
    """Return the bound of each component of a stage, in the order of its operations.

    Raises:
        UsageError: as of `op_bound`.
    """
    found: dict[str, Bound] = {}
    for op, cost in priced.items:
        found[op.component] = found.get(op.component, Bound()) + op_bound(op, cost, machine)
    return found
