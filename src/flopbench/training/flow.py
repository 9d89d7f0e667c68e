"""Which gradients a backward pass needs: what is trained, and what lies after it in the flow.

An operation's operand needs a gradient if something that was trained gave it. Layers of one kind
are followed twice at most: nothing in front of a layer needs a gradient, or the residual does. From
the first layer with something to train, all later ones get a residual that needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import attrs
from attrs import define, field, frozen

from flopbench.dims import Dim
from flopbench.ops import STREAM, Needs, Op, Unit

Trains = Callable[[Op], bool]
"""Says of an operation whether it has weights that are trained."""


def nowhere(_op: Op) -> bool:
    """Say of no operation that its result needs a gradient anyway."""
    return False


@frozen(eq=False)
class Step:
    """An operation of the forward, and what its backward needs.

    Attributes:
        shared: how many of its operands need a gradient and were used before: theirs is added to
            what there is.
        layer: tells equal layers with equal needs from others; None outside of layers.
        layers: how many equal layers it stands for; 1 outside of layers.
    """

    op: Op
    needs: Needs
    shared: int = 0
    layer: tuple[Unit, bool] | None = None
    layers: Dim = 1

    @property
    def copies(self) -> Dim:
        """Copies of the operation in one layer."""
        return _share(self.op.layers, self.layers)


def follow(
    ops: Iterable[Op],
    trains: Trains,
    needing: Iterable[str] = (),
    anyway: Callable[[Op], bool] = nowhere,
) -> Iterator[Step]:
    """Yield operations with what their backward needs, in the order in which they run.

    Layers that need the same stay together, as many as there are.

    Args:
        needing: names of the values that need a gradient at the start.
        anyway: says of an operation whether its result needs a gradient although nothing that was
            trained gave it.
    """
    flow = _Flow(trains, set(needing), anyway)
    for is_layer, group in groupby(ops, lambda op: op.unit is not None):
        if is_layer:
            yield from _layers(flow, tuple(group))
        else:
            yield from map(flow.step, group)


@define
class _Flow:
    """What needs a gradient at a point of the forward, and which values were used before it."""

    trains: Trains
    needing: set[str]
    anyway: Callable[[Op], bool]
    used: set[str] = field(factory=set)

    def step(self, op: Op) -> Step:
        operands = tuple(name in self.needing for name in op.takes)
        needs = Needs(operands, self.trains(op))
        names = {name for name in op.takes if name in self.needing}
        shared = len(names & self.used)
        if op.gives:
            self.used |= set(op.takes)
            self.used.discard(op.gives)
            self.needing.discard(op.gives)
            if needs.anything or self.anyway(op):
                self.needing.add(op.gives)
        return Step(op, needs, shared)

    def through(self, ops: Iterable[Op], *, needs: bool) -> tuple[list[Step], bool]:
        """Follow one layer, and return whether its residual needs a gradient after it."""
        self.needing, self.used = ({STREAM} if needs else set()), set()
        return [self.step(op) for op in ops], STREAM in self.needing


def _layers(flow: _Flow, ops: tuple[Op, ...]) -> Iterator[Step]:
    """Follow consecutive layers, in the order of their numbers if those are known."""
    kinds: dict[Unit, list[Op]] = {}
    for op in ops:
        if op.unit is not None:
            kinds.setdefault(op.unit, []).append(op)
    needs = STREAM in flow.needing
    counts: dict[tuple[Unit, bool], Dim] = {}
    found: dict[tuple[Unit, bool], list[Step]] = {}
    for unit, together in _in_order(kinds):
        layers = together
        while True:
            key = (unit, needs)
            found[key], after = flow.through(kinds[unit], needs=needs)
            changes = after != needs
            here: Dim = 1 if changes else layers
            counts[key] = counts.get(key, 0) + here
            layers, needs = layers - here, after
            if not changes or (isinstance(layers, int) and not layers):
                break
    for (unit, needed), steps in found.items():
        if isinstance(counts[unit, needed], int) and not counts[unit, needed]:
            continue
        for step in steps:
            here = counts[unit, needed]
            op = _copies(step.op, unit, here)
            yield attrs.evolve(step, op=op, layer=(unit, needed), layers=here)


def _in_order(kinds: Iterable[Unit]) -> Iterator[tuple[Unit, Dim]]:
    """Yield kinds of layers and how many of them come next."""
    kinds = tuple(kinds)
    if all(kind.numbers for kind in kinds):
        numbered = sorted((number, index) for index, k in enumerate(kinds) for number in k.numbers)
        for index, group in groupby(index for _, index in numbered):
            yield kinds[index], len(list(group))
    else:
        for kind in kinds:
            yield kind, kind.count


def _copies(op: Op, unit: Unit, count: Dim) -> Op:
    """Return the operation in ``count`` of the layers of its kind; a layer may have several."""
    if count is unit.count or (isinstance(count, int) and count == unit.count):
        return op
    return attrs.evolve(op, layers=_share(op.layers, unit.count) * count)


def _share(copies: Dim, layers: Dim) -> Dim:
    """Return the copies in one of several layers."""
    exact = isinstance(copies, int) and isinstance(layers, int)
    return copies // layers if exact else copies / layers
