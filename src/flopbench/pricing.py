"""Price the operations of a stage under one attention mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from flopbench.attention import AttentionMode
from flopbench.conventions import Conventions
from flopbench.cost import Cost
from flopbench.ops import Attention, Op, PricedOp


@frozen(eq=False)
class Line:
    """The cost of one kind of operation in one component."""

    component: str
    kind: str
    cost: Cost


@frozen
class Fallback:
    """An attention op that a mode cannot carry out, so that it runs eagerly."""

    attention: str
    component: str
    reason: str


@frozen(eq=False)
class StagePrice:
    """What a stage costs, line by line, and which ops fell back to eager attention."""

    lines: tuple[Line, ...]
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def cost(self) -> Cost:
        """The whole stage."""
        return sum((line.cost for line in self.lines), Cost())

    def __add__(self, other: StagePrice) -> StagePrice:
        fallbacks = dict.fromkeys(self.fallbacks + other.fallbacks)
        return StagePrice(_merge(self.lines + other.lines), tuple(fallbacks))


def price(
    ops: Iterable[Op], mode: AttentionMode, eager: AttentionMode, conventions: Conventions
) -> StagePrice:
    """Price ``ops`` with attention carried out by ``mode``, or by ``eager`` where it cannot."""
    fallbacks: dict[Fallback, None] = {}

    def lowered() -> Iterator[PricedOp]:
        for op in ops:
            if isinstance(op, PricedOp):
                yield op
            elif isinstance(op, Attention):
                reason = mode.unsupported(op)
                if reason:
                    fallbacks[Fallback(mode.name, op.component, reason)] = None
                yield from (eager if reason else mode).lower(op)
            else:
                raise TypeError(f"{type(op).__name__} has no price and is no Attention")

    lines = _merge(_line(op, mode, conventions) for op in lowered())
    return StagePrice(lines, tuple(fallbacks))


def _line(op: PricedOp, mode: AttentionMode, conventions: Conventions) -> Line:
    cost = op.cost(conventions)
    if mode.torch_visible_only:
        cost = Cost(cost.torch_visible_flops, 0, cost.torch_visible_flops)
    return Line(op.component, op.kind, cost)


def _merge(lines: Iterable[Line]) -> tuple[Line, ...]:
    merged: dict[tuple[str, str], Cost] = {}
    for line in lines:
        key = (line.component, line.kind)
        merged[key] = merged[key] + line.cost if key in merged else line.cost
    return tuple(Line(component, kind, cost) for (component, kind), cost in merged.items())
