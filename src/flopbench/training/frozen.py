"""Which weights are trained: all, those of components that are not frozen, or adapters alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from flopbench.dims import is_zero
from flopbench.errors import UsageError, unknown
from flopbench.ops import Core, Op, PricedOp
from flopbench.training.lora import Adapter
from flopbench.training_step import TrainOptions, covers


def has_weights(op: Op) -> bool:
    """Return whether an operation has weights that can be trained."""
    if not op.trainable:
        return False
    return isinstance(op, Core | PricedOp) and not is_zero(op.weights())


@frozen
class Trained:
    """Says which operations have weights that are trained.

    Attributes:
        frozen: patterns of components that are not.
        only_adapters: whether nothing but adapters is.
        holders: components that have the same weights, by what ``Op.weights_of`` calls them.
    """

    frozen: tuple[str, ...]
    only_adapters: bool
    holders: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, ops: Iterable[Op], options: TrainOptions) -> Trained:
        """Return what is trained of the operations of a forward."""
        ops, shared = tuple(ops), dict[str, frozenset[str]]()
        tied = {op.weights_of for op in ops if op.weights_of}
        for op in ops:
            if (name := name_of(op)) in tied:
                shared[name] = shared.get(name, frozenset()) | {op.component}
        return cls(options.frozen, options.lora is not None, shared)

    def __call__(self, op: Op) -> bool:
        own, is_adapter = frozenset((op.component,)), isinstance(op, Adapter)
        names = own if is_adapter else self.holders.get(name_of(op), own)
        held = is_adapter and op.trainable if self.only_adapters else has_weights(op)
        return held and not any(covers(pattern, n) for n in names for pattern in self.frozen)


def name_of(op: Op) -> str:
    """Return what `Op.weights_of` calls the weights of an operation."""
    return op.weights_of or f"{op.component}/{op.role}"


def require_patterns(ops: Iterable[Op], patterns: Iterable[str]) -> None:
    """Refuse a pattern of frozen components that matches none with weights.

    Raises:
        UsageError: there is one; the message has the nearest name.
    """
    components = dict.fromkeys(op.component for op in ops if has_weights(op))
    for pattern in patterns:
        if not any(covers(pattern, component) for component in components):
            raise UsageError(
                f"train.frozen: {unknown('component with weights', pattern, components)}"
            )
