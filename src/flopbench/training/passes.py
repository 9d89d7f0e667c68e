"""The passes of a training step, from the operations of its forward.

Sources: the backward of each operation is derived where the operation is defined. Recomputation:
Chen et al. (arXiv:1604.06174) for layers, Korthikanti et al. (arXiv:2205.05198) for the attention
core alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import attrs

from flopbench.dims import Dim, is_zero
from flopbench.ops import Core, Elementwise, KvCacheUpdate, Needs, Op, PricedOp, VectorOp
from flopbench.training.attention import AttentionBackward, AttentionRecompute
from flopbench.training.flow import Step
from flopbench.training.loss import CrossEntropy


def forward(ops: Iterable[Op]) -> Iterator[Op]:
    """Yield the forward of a training step: without a KV cache, and with a loss at its end."""
    last: Op | None = None
    for op in ops:
        if isinstance(op, KvCacheUpdate):
            continue
        last = _uncached(op)
        yield last
    if isinstance(last, PricedOp):
        logits = last.results() * last.layers * last.steps
        yield CrossEntropy(component="loss", logits=logits)


def _uncached(op: Op) -> Op:
    """Return the operation with what it reads from the cache as activations."""
    if isinstance(op, Core):
        return op.uncached()
    if isinstance(op, PricedOp) and not is_zero(op.cache_reads):
        read = op.moved()[0] + op.cache_reads
        return attrs.evolve(op, cache_reads=0, reads=read)
    return op


def backward(steps: Sequence[Step]) -> Iterator[Op]:
    """Yield the backward of a forward: that of each operation, the last one first."""
    for step in reversed(steps):
        op = step.op
        if not step.needs.anything:
            continue
        if isinstance(op, Core):
            yield AttentionBackward.over(op, step.needs)
        elif isinstance(op, PricedOp):
            yield from _given(op, step.needs)
        for _ in range(step.shared):
            yield Elementwise(
                component=op.component, layers=op.layers, function="add", outputs=operand(op)
            )


def operand(op: Op) -> Dim:
    """Return the elements of one operand of an operation."""
    if isinstance(op, Core):
        return op.operand_elements[0]
    if isinstance(op, VectorOp):
        return op.elements
    return op.operands() if isinstance(op, PricedOp) else 0


def _given(op: PricedOp, needs: Needs) -> Iterable[PricedOp]:
    found = op.backward(needs)
    if not isinstance(found, Iterable):
        raise TypeError(f"{type(op).__name__}.backward must yield operations, got {found!r}")
    return found


def recomputed(steps: Sequence[Step], how: str) -> Iterator[Op]:
    """Yield the forward work that a backward repeats.

    Args:
        how: ``full`` for all layers, ``selective`` for attention cores, ``none``.
    """
    if how == "selective":
        for step in steps:
            if isinstance(step.op, Core) and step.op.repeated_alone and step.needs.anything:
                yield AttentionRecompute.over(step.op, step.needs)
    elif how == "full":
        for layer, group in groupby(steps, lambda step: step.layer):
            if layer is not None:
                yield from (step.op for step in repeated(tuple(group)))


def repeated(steps: Sequence[Step]) -> Sequence[Step]:
    """Return what is repeated of a part that keeps nothing but what it was given.

    Recomputation stops once all that the backward needs is there. What an operation works on is
    there before it runs, so the last operation whose backward needs anything runs again only if
    that needs its results.
    """
    for index in range(len(steps) - 1, -1, -1):
        op, needs = steps[index].op, steps[index].needs
        if needs.anything and _saves(op):
            return steps[: index + 1] if _saves_results(op) else steps[:index]
    return ()


def _saves(op: Op) -> bool:
    return isinstance(op, Core) or (isinstance(op, PricedOp) and op.saves)


def _saves_results(op: Op) -> bool:
    return isinstance(op, PricedOp) and op.saves_results
