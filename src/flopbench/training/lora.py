"""Low-rank adapters (LoRA, arXiv:2106.09685): what they add to the operations of a forward.

Beside a layer Y = X W, of [in, out] weights that are frozen, an adapter of rank r computes X A B
with A [in, r] and B [r, out], scales it and adds it to Y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard

from attrs import frozen

from flopbench.errors import UsageError, unknown
from flopbench.ops import Elementwise, Linear, Op
from flopbench.ops.gradients import place_of
from flopbench.storage import Plain, Scheme, Storage
from flopbench.training_step import covers


@frozen(kw_only=True, eq=False)
class Adapter(Linear):
    """One of both products of an adapter, whose weights are never quantised."""

    def stored_as(self, storage: Storage) -> Scheme:
        return Plain(storage.rest)


_NO_LAYERS = frozenset(
    {"router", "x_of_heads", "dt_of_heads", "input_of_heads", "recurrent_of_heads"}
)
"""Roles of products that are no layers: routers, which return more, and those of bare weights."""


@frozen
class Targets:
    """Which linear layers get an adapter; what is no layer of its own gets none.

    Attributes:
        patterns: of components, of names of layers in them, or of both with a dot between.
        names_of: gives what a layer is called besides its role, by its component and role.
    """

    patterns: tuple[str, ...]
    names_of: Callable[[str, str], tuple[str, ...]]

    def names(self, op: Linear) -> tuple[str, ...]:
        """Return all that a layer is called."""
        own = (op.role, *self.names_of(op.component, op.role)) if op.role else ()
        return (op.component, *own, *(f"{op.component}.{name}" for name in own))

    def __contains__(self, op: Op) -> bool:
        return _may_have_one(op) and any(self._match(op, each) for each in self.patterns)

    def _match(self, op: Linear, pattern: str) -> bool:
        return any(covers(pattern, name) for name in self.names(op))

    def require_all(self, ops: Iterable[Op]) -> None:
        """Refuse a pattern that matches no linear layer.

        Raises:
            UsageError: there is one; the message has the nearest name.
        """
        layers = [op for op in ops if _may_have_one(op)]
        for pattern in self.patterns:
            if not any(self._match(op, pattern) for op in layers):
                known = dict.fromkeys(name for op in layers for name in self.names(op))
                raise UsageError(f"train.lora.targets: {unknown('linear layer', pattern, known)}")


def _may_have_one(op: Op) -> TypeGuard[Linear]:
    return isinstance(op, Linear) and op.role not in _NO_LAYERS


def adapted(ops: Iterable[Op], rank: int, targets: Targets) -> Iterator[Op]:
    """Yield the operations, and adapters beside those that are targets."""
    for op in ops:
        yield op
        if rank and _may_have_one(op) and op in targets:
            yield from _adapter(op, rank)


def _adapter(op: Linear, rank: int) -> Iterator[Op]:
    again = op.weights_shared and op.weights_of == f"{op.component}/{op.role}"
    place: dict[str, Any] = {**place_of(op), "trainable": op.trainable, "weights_shared": again}
    value = f"{op.gives} of the adapter"
    outputs = op.rows * op.out_features
    yield Adapter(
        rows=op.rows,
        in_features=op.in_features,
        out_features=rank,
        takes=op.takes,
        gives=value,
        **place,
    )
    inside = {"takes": (value,), "gives": value, **place}
    yield Adapter(rows=op.rows, in_features=rank, out_features=op.out_features, **inside)
    yield Elementwise(function="multiply", outputs=outputs, reads=outputs, **inside)
    yield Elementwise(
        function="add", outputs=outputs, takes=(op.gives, value), gives=op.gives, **place
    )
