"""Price the operations of a stage under one attention mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from attrs import frozen

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.checked import operations
from flopbench.conventions import Conventions
from flopbench.dims import DEFAULT_DTYPE, Dim, element_bytes
from flopbench.ops import Attention, Cost, Op, PricedOp
from flopbench.ops.footprint import Footprint, Held


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
    """What a stage costs, line by line, what it keeps in memory, and what fell back to eager."""

    lines: tuple[Line, ...]
    fallbacks: tuple[Fallback, ...] = ()
    footprint: Footprint = Footprint()

    @property
    def cost(self) -> Cost:
        """The whole stage."""
        return sum((line.cost for line in self.lines), Cost())

    def __add__(self, other: StagePrice) -> StagePrice:
        fallbacks = dict.fromkeys(self.fallbacks + other.fallbacks)
        lines = _merge(self.lines + other.lines)
        return StagePrice(lines, tuple(fallbacks), self.footprint.then(other.footprint))


Known = dict[int, tuple[PricedOp, Cost, Held]]
"""Prices by ``id`` of the operation, which is kept so that no other gets its id."""


def price(
    ops: Iterable[Op],
    mode: AttentionMode,
    eager: AttentionMode,
    conventions: Conventions,
    dtype: str = DEFAULT_DTYPE,
    known: Known | None = None,
) -> StagePrice:
    """Price ``ops`` with attention carried out by ``mode``, or by ``eager`` where it cannot.

    Args:
        dtype: of weights, activations and KV cache alike; a name in
            `flopbench.dims.DTYPE_BYTES`.
        known: prices of operations, added to: what no mode lowers is priced once for all modes
            if they share ``ops``, conventions and dtype.
    """
    fallbacks: dict[Fallback, None] = {}
    priced: list[PricedOp] = []
    for op in operations("ops", ops, Op):
        lowered, fallback = lower(op, mode, eager)
        priced += lowered
        if fallback:
            fallbacks[fallback] = None
    width = element_bytes(dtype)
    known = {} if known is None else known
    for op in priced:
        if id(op) not in known:
            known[id(op)] = op, op.cost(conventions, width), Held.by(op, width)
    found = [known[id(op)] for op in priced]
    lines = _merge(_line(op, cost, mode) for op, cost, _ in found)
    return StagePrice(lines, tuple(fallbacks), Footprint.of(held for _, _, held in found))


def lower(
    op: Op, mode: AttentionMode, eager: AttentionMode
) -> tuple[Iterable[PricedOp], Fallback | None]:
    """Return the priced operations that ``op`` is, and whether it fell back to eager.

    Raises:
        TypeError: ``op`` is of a kind that nobody can price.
    """
    if isinstance(op, PricedOp):
        return (op,), None
    if not isinstance(op, Attention):
        raise TypeError(f"{type(op).__name__} has no price and is no Attention")
    reason = mode.unsupported(op)
    if reason is not None and not isinstance(reason, str):
        raise TypeError(f"unsupported returned {reason!r}, which is no text and not None")
    lowered = operations("lower", (eager if reason else mode).lower(op), PricedOp)
    fallback = Fallback(mode.name, op.component, reason) if reason else None
    return _with_beside(lowered, op.beside), fallback


def _with_beside(lowered: Iterable[PricedOp], beside: Dim) -> Iterator[PricedOp]:
    """Keep alive during the lowered operations what is alive during the whole."""
    for op in lowered:
        yield attrs.evolve(op, beside=op.beside + beside)


def _line(op: PricedOp, cost: Cost, mode: AttentionMode) -> Line:
    if mode.torch_visible_only:
        cost = attrs.evolve(cost, tensor_flops=cost.torch_visible_flops, vector_flops=0)
    return Line(op.component, op.kind, cost)


def _merge(lines: Iterable[Line]) -> tuple[Line, ...]:
    merged: dict[tuple[str, str], Cost] = {}
    for line in lines:
        key = (line.component, line.kind)
        merged[key] = merged[key] + line.cost if key in merged else line.cost
    return tuple(Line(component, kind, cost) for (component, kind), cost in merged.items())
