"""Price the operations of a stage under one attention mode."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.model import AnalyticModel, Stage
from flopbench.boundary import calling
from flopbench.conventions import Conventions
from flopbench.dims import DEFAULT_DTYPE, Dim
from flopbench.ops import TORCH_VISIBLE, Attention, Core, Cost, Op, PricedOp
from flopbench.ops.footprint import Footprint, Held
from flopbench.storage import Storage
from flopbench.training.attention import AttentionPass


@frozen(eq=False)
class Line:
    """The cost of one kind of operation in one component."""

    component: str
    kind: str
    cost: Cost

    def seen_flops(self, kinds: Collection[str]) -> Dim:
        """Return its matrix work if a counter sees its kind, else 0."""
        return self.cost.tensor_flops if self.kind in kinds else 0

    @property
    def torch_visible_flops(self) -> Dim:
        """The matrix work that torch's FlopCounterMode has a formula for."""
        return self.seen_flops(TORCH_VISIBLE)


@frozen
class Fallback:
    """An op that runs eagerly because a mode cannot carry it out."""

    attention: str
    component: str
    reason: str

    def __str__(self) -> str:
        return f"{self.attention} runs {self.component} eagerly: {self.reason}"


@frozen(eq=False)
class StagePrice:
    """What a stage costs, line by line, what it keeps in memory, and what fell back to eager.

    Attributes:
        items: each operation with its cost, in order; several may be of one line.
    """

    lines: tuple[Line, ...]
    fallbacks: tuple[Fallback, ...] = ()
    footprint: Footprint = Footprint()
    items: tuple[tuple[PricedOp, Cost], ...] = ()

    @cached_property
    def cost(self) -> Cost:
        """The cost of the whole stage."""
        return sum((line.cost for line in self.lines), Cost())

    def __add__(self, other: StagePrice) -> StagePrice:
        fallbacks = dict.fromkeys(self.fallbacks + other.fallbacks)
        lines = _merge(self.lines + other.lines)
        footprint = self.footprint.then(other.footprint)
        return StagePrice(lines, tuple(fallbacks), footprint, self.items + other.items)

    @property
    def torch_visible_flops(self) -> Dim:
        """The matrix work that torch's FlopCounterMode has formulas for."""
        return sum(line.torch_visible_flops for line in self.lines)

    def seen(self, kinds: Collection[str]) -> list[tuple[str, Dim]]:
        """Return the matrix work of the kinds of operation that a counter sees, by component."""
        return [
            (line.component, line.cost.tensor_flops) for line in self.lines if line.kind in kinds
        ]


Known = dict[int, tuple[PricedOp, Cost, Held]]
"""Prices by ``id`` of the operation, which is kept so that no other gets its id."""


def _storage(given: Storage | str) -> Storage:
    return Storage.made(given)


@frozen
class Pricer:
    """How operations are priced.

    Attributes:
        eager: carries out the attention that another mode cannot.
        conventions: FLOPs per element of vector work.
        storage: how tensors are stored; a dtype stands for that of all.
    """

    eager: AttentionMode
    conventions: Conventions
    storage: Storage = attrs.field(default=Storage.of(DEFAULT_DTYPE), converter=_storage)

    def price(
        self, ops: Iterable[Op], mode: AttentionMode, known: Known | None = None
    ) -> StagePrice:
        """Price ``ops`` with attention carried out by ``mode``, or eagerly where it cannot.

        Args:
            known: prices that are already known; this call adds to them. For modes that share
                ``ops``, an operation that no mode lowers is thus priced only once.
        """
        fallbacks: dict[Fallback, None] = {}
        priced: list[PricedOp] = []
        for op in ops:
            lowered, fallback = lower(op, mode, self.eager)
            priced += lowered
            fallbacks |= dict.fromkeys(fallback)
        known = {} if known is None else known
        for op in priced:
            if id(op) not in known:
                cost = op.cost(self.conventions, self.storage)
                known[id(op)] = op, cost, Held.by(op, self.storage)
        found = [known[id(op)] for op in priced]
        lines = _merge(_line(op, cost, mode) for op, cost, _ in found)
        footprint = Footprint.of(held for _, _, held in found)
        items = tuple((op, cost) for op, cost, _ in found)
        return StagePrice(lines, tuple(fallbacks), footprint, items)

    def stage(
        self, model: AnalyticModel, stage: str, workload: Any, mode: AttentionMode
    ) -> StagePrice:
        """Price a stage of a model that is not composed.

        Raises:
            PluginError: the model or the mode raises; the message says what was being priced.
        """
        with calling(pricing(model, stage, mode)):
            return self.price(model.ops(stage, workload), mode)

    def in_modes(
        self, model: AnalyticModel, stage: str, workload: Any, modes: Iterable[AttentionMode]
    ) -> dict[str, StagePrice]:
        """Price a stage that is not composed in several modes, by name: what they share once.

        Raises:
            PluginError: the model or a mode raises; the message says what was being priced.
        """
        known, found, modes = Known(), dict[str, StagePrice](), tuple(modes)
        if not modes:  # a model without closed forms has no ops
            return found
        with calling(pricing(model, stage)):
            ops = list(model.ops(stage, workload))
        for mode in modes:
            with calling(pricing(model, stage, mode)):
                found[mode.name] = self.price(ops, mode, known)
        return found


def pricing(model: AnalyticModel, stage: str, mode: AttentionMode | None = None) -> str:
    """Describe what is being priced, for an error message."""
    how = f" with attention mode {mode.name!r}" if mode else ""
    return f"pricing stage {stage!r} of model {model.name!r}{how}"


def price(
    ops: Iterable[Op],
    mode: AttentionMode,
    eager: AttentionMode,
    conventions: Conventions,
    storage: Storage | str = DEFAULT_DTYPE,
) -> StagePrice:
    """Price ``ops`` in one attention mode: the short form of `Pricer.price`."""
    return Pricer(eager, conventions, storage).price(ops, mode)


def total_price(stage: Stage, prices: Mapping[str, StagePrice]) -> StagePrice:
    """Return a stage's price; a composed stage's is the sum of its parts'."""
    first, *more = (prices[name] for name in stage.base_names)
    return sum(more, first)


def lower(
    op: Op, mode: AttentionMode, eager: AttentionMode
) -> tuple[Iterable[PricedOp], tuple[Fallback, ...]]:
    """Return the priced operations of ``op``, and its fallbacks if something fell back to eager.

    Raises:
        TypeError: ``op`` is neither a `PricedOp` nor a `Core`.
    """
    if isinstance(op, PricedOp):
        return (op,), ()
    core = op.of if isinstance(op, AttentionPass) else op
    if not isinstance(core, Core):
        raise TypeError(f"an op must be a PricedOp or a Core, got {type(op).__name__}")
    reason = unsupported(core, mode)
    used = eager if reason else mode
    fallback = (Fallback(mode.name, op.component, reason),) if reason else ()
    if isinstance(op, AttentionPass):
        return _with_alive(op.lower(used), op.alive_meanwhile), fallback
    parts: list[Any] = [*_with_alive(used.state(core), core.alive_meanwhile)]
    for part in _asked(core, used):
        if isinstance(part, Core):
            parts += _at(core, used.lower(part), part.alive_meanwhile)
        else:
            parts.append(part)
    return parts, fallback


def _at(core: Core, lowered: Iterable[PricedOp], alive: Dim) -> Iterator[PricedOp]:
    """Yield what a core is lowered to, with weights that it shares with an earlier one."""
    for op in _with_alive(lowered, alive):
        yield attrs.evolve(op, weights_shared=True) if core.weights_shared else op


def _asked(core: Core, mode: AttentionMode) -> Iterable[Op]:
    """Return what a mode is asked to carry out: attention on latents, or what they expand to."""
    latent = isinstance(core, Attention) and core.latent is not None and mode.on_latents(core)
    return (core,) if latent else core.expanded()


def unsupported(core: Core, mode: AttentionMode) -> str | None:
    """Return why a mode cannot carry out a core, or what keys and values are expanded to."""
    if not isinstance(core, mode.carries):
        return f"it carries out no {core.noun}"
    reasons = (mode.unsupported(part) for part in _asked(core, mode) if isinstance(part, Core))
    return next(filter(None, reasons), None)


def _with_alive(lowered: Iterable[PricedOp], elements: Dim) -> Iterator[PricedOp]:
    """Keep alive during each lowered operation what is alive during the whole core."""
    for op in lowered:
        yield attrs.evolve(op, alive_meanwhile=op.alive_meanwhile + elements)


def _line(op: PricedOp, cost: Cost, mode: AttentionMode) -> Line:
    if mode.torch_visible_only:
        seen = cost.tensor_flops if op.kind in TORCH_VISIBLE else 0
        cost = attrs.evolve(cost, tensor_flops=seen, vector_flops=0)
    return Line(op.component, op.kind, cost)


def _merge(lines: Iterable[Line]) -> tuple[Line, ...]:
    merged: dict[tuple[str, str], Cost] = {}
    for line in lines:
        key = (line.component, line.kind)
        merged[key] = merged[key] + line.cost if key in merged else line.cost
    return tuple(Line(component, kind, cost) for (component, kind), cost in merged.items())
