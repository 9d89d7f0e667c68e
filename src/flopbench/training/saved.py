"""What the forward of a training step keeps for the backward, and what recomputation drops.

Each kind of operation says what its backward reads (`flopbench.ops.PricedOp.keeps`). A value has a
name, and a version that grows whenever an operation gives it anew; of each version one copy is
kept, whoever needs it: queries, keys and values come from one input.

Check (Korthikanti et al., arXiv:2205.05198, equation 1): a layer of a GPT with 16-bit activations,
s tokens in b sequences, width h and ``a`` heads keeps sbh(34 + 5as/h) bytes. Of these, dropout
masks take 2 sbh + a s^2 b, one byte each, and its second copy of the probabilities 2 a s^2 b. The
rule here has neither, for dropout is off: sbh(32 + 2as/h), and 16 sb for two statistics of two
norms.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import cast

from attrs import define, field, frozen

from flopbench.dims import Dim
from flopbench.ops import STREAM, Core, Kept, Needs, Op, PricedOp
from flopbench.storage import bytes_of
from flopbench.training.flow import Step
from flopbench.training.passes import operand

"""Which operand of a core a value is; what has no such name stands for all of them."""

CoreKeeps = Callable[[Core, Needs], Iterable[Kept]]
"""Says what an attention core leaves for its backward."""


@frozen(eq=False)
class Saved:
    """Bytes that are kept for the backward.

    Attributes:
        each: in one layer.
        layers: how many layers keep them; 1 outside of layers.
        layer: as in `Step`.
        step: the first operation of the forward whose backward needs them.
        alone: whether they are made again for that operation alone.
    """

    step: Step
    each: Dim
    layers: Dim = 1
    layer: Hashable = None
    alone: bool = False

    @property
    def component(self) -> str:
        """The component of the operation."""
        return self.step.op.component

    @property
    def total(self) -> Dim:
        """Bytes in all layers."""
        return self.each * self.layers


def saved(steps: Sequence[Step], core: CoreKeeps, dtype: str, how: str) -> Iterator[Saved]:
    """Yield what is kept until the backward begins.

    Args:
        dtype: of activations.
        how: what is recomputed: ``full`` keeps of a layer what enters it, ``selective`` of an
            attention core what it works on.
    """
    shared: set[str] = set()
    for layer, group in groupby(steps, lambda step: step.layer):
        together = tuple(group)
        if how == "full" and layer is not None:
            yield from _entering(together, dtype)
            yield from _kept(together, core, dtype, shared, only_shared=True)
        else:
            keeps = _unless_repeated(core) if how == "selective" else core
            yield from _kept(together, keeps, dtype, shared)


def remade(steps: Sequence[Step], core: CoreKeeps, dtype: str, how: str) -> Iterator[Saved]:
    """Yield what is made again in the backward: of each kind of layer, or attention core.

    It is what a layer, or a core, keeps without recomputation, besides what it kept.
    """
    for layer, group in groupby(steps, lambda step: step.layer):
        together = tuple(group)
        if how == "full" and layer is not None:
            every = _kept(together, core, dtype, set(), entered=True)
            yield from (each for each in every if each.layer is not None)
        elif how == "selective":
            for step in together:
                if isinstance(step.op, Core) and step.op.repeated_alone and step.needs.anything:
                    every_part = core(step.op, step.needs)
                    made = (one for one in every_part if one.operand is None and not one.result)
                    size = sum(_bytes(one, dtype) for one in made)
                    yield Saved(step, size, step.layers, layer, alone=True)


def _unless_repeated(core: CoreKeeps) -> CoreKeeps:
    """Return what says what a core keeps if selective recomputation repeats some."""
    return lambda op, needs: (_operands if op.repeated_alone else core)(op, needs)


def kept_of_core(steps: Sequence[Step], operands: Sequence[str]) -> Iterator[Kept]:
    """Yield what an attention core keeps, from what it lowers to.

    The operands of the core are those of the operations; its result is that of the last one.

    Args:
        operands: what the operations call those of the core.
    """
    numbers = {name: index for index, name in enumerate(operands)} | {STREAM: 0}
    values = _Values()
    found = []
    for step in steps:
        before = values.now(step.op)
        values.after(step.op)
        found += [(each, values.of(each, step.op, before)) for each in _of(step, _operands)]
    last = steps[-1].op.gives if steps else ""
    result = (last, values.version(last), 0)
    known: set[Hashable] = set()
    for each, value in found:
        if value is not None and value in known:
            continue
        known.add(value)
        name = value[0] if value and value[1] == 0 else ""
        yield Kept(
            elements=each.elements,
            operand=numbers.get(name),
            result=value == result,
            bytes_each=each.bytes_each,
        )


@define
class _Values:
    """The versions of values, by name."""

    versions: dict[str, int] = field(factory=dict)
    parts: dict[str, Dim] = field(factory=dict)
    """Bytes that the cores of a packed pass keep of their joint result, by its name."""

    def version(self, name: str) -> int:
        return self.versions.get(name, 0)

    def now(self, op: Op) -> dict[str, int]:
        """Return the versions of what an operation takes."""
        return {name: self.version(name) for name in op.takes}

    def after(self, op: Op) -> None:
        """Follow an operation; what gives nothing new changes what it takes."""
        for name in (op.gives,) if op.gives else dict.fromkeys(op.takes):
            self.versions[name] = self.version(name) + 1

    def without_parts(self, name: str, size: Dim, *, of_core: bool) -> Dim:
        """Return the bytes of a value without its parts that cores keep already."""
        if not of_core:
            return size - self.parts.pop(name, 0)
        self.parts[name] = self.parts.get(name, 0) + size
        return size

    def of(self, kept: Kept, op: Op, before: dict[str, int]) -> tuple[str, int, int] | None:
        """Return which value is kept: name, version, and which part of it; None for no other's.

        An operation that takes one value several times takes several parts of it.
        """
        if kept.result:
            return op.gives, self.version(op.gives), 0
        if kept.operand is None:
            return None
        name = op.takes[min(kept.operand, len(op.takes) - 1)]
        return name, before[name], op.takes[: kept.operand].count(name)


def _kept(
    steps: Iterable[Step],
    core: CoreKeeps,
    dtype: str,
    shared: set[str],
    *,
    only_shared: bool = False,
    entered: bool = False,
) -> Iterator[Saved]:
    """Yield what operations of one layer, or outside of layers, keep, each value once.

    Args:
        shared: names of the model's values that are kept already, to which this adds.
        only_shared: leave out all other values.
        entered: leave out what enters a layer.
    """
    values, known, cores = _Values(), set[Hashable](), 0
    if entered:
        known.add((STREAM, 0, 0, 0))
    for step in steps:
        before = values.now(step.op)
        values.after(step.op)
        is_core = isinstance(step.op, Core)
        for each in _of(step, core):
            size = _bytes(each, dtype)
            if each.shared:
                if each.shared not in shared:
                    shared.add(each.shared)
                    yield Saved(step, size)
                continue
            value = values.of(each, step.op, before)
            # Cores of a packed pass have parts of one value, each those of its sequences.
            key = value and (*value, cores if is_core else 0)
            if only_shared or (key is not None and key in known):
                continue
            known.add(key)
            if value is not None and (each.result or not is_core):
                size = values.without_parts(value[0], size, of_core=is_core)
            yield Saved(step, size * step.copies, step.layers, step.layer)
        cores += is_core


def _of(step: Step, core: CoreKeeps) -> Iterable[Kept]:
    if not step.needs.anything:
        return ()
    if isinstance(step.op, Core):
        return core(step.op, step.needs)
    return cast("PricedOp", step.op).keeps(step.needs)


def _operands(op: Core, _needs: Needs) -> Iterator[Kept]:
    """Yield the operands of an attention core."""
    for index, size in enumerate(op.operand_elements):
        yield Kept(elements=size, operand=index)


def _entering(steps: Sequence[Step], dtype: str) -> Iterator[Saved]:
    """Yield what enters a layer: all that its recomputation starts from."""
    first = next((step for step in steps if STREAM in step.op.takes), None)
    if first is not None and any(step.needs.anything for step in steps):
        size = bytes_of(operand(first.op) * first.copies, dtype)
        yield Saved(first, size, first.layers, first.layer)


def _bytes(kept: Kept, dtype: str) -> Dim:
    if kept.bytes_each is None:
        return bytes_of(kept.elements, dtype)
    return kept.elements * kept.bytes_each
