"""Attention, and what takes its place, in a training step: lowered by a mode, as its forward is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Protocol

import attrs
from attrs import frozen

from flopbench.ops import Core, Kept, Needs, Op, PricedOp


class TrainingMode(Protocol):
    """What an attention mode says of a training step (`flopbench.AttentionMode`)."""

    def backward(self, op: Any, needs: Needs) -> Iterable[PricedOp]:
        """Yield the operations of the backward."""

    def recomputed(self, op: Any, needs: Needs) -> Iterable[PricedOp]:
        """Yield what is repeated if the core alone is recomputed."""

    def keeps(self, op: Any, needs: Needs) -> Iterable[Kept]:
        """Yield what the core leaves for its backward."""


@frozen(kw_only=True, eq=False)
class AttentionPass(Op):
    """A pass over an attention core.

    Attributes:
        of: the core.
        needs: which gradients of its operands, and of sinks, are needed.
    """

    of: Core = attrs.field()
    needs: Needs

    @abstractmethod
    def lower(self, mode: TrainingMode) -> Iterable[PricedOp]:
        """Return the operations that carry it out."""

    @classmethod
    def over(cls, op: Core, needs: Needs) -> AttentionPass:
        """Return the pass over a core."""
        return cls(component=op.component, layers=op.layers, of=op, needs=needs)


@frozen(kw_only=True, eq=False)
class AttentionBackward(AttentionPass):
    """The backward of an attention core."""

    def lower(self, mode: TrainingMode) -> Iterable[PricedOp]:
        return mode.backward(self.of, self.needs)


@frozen(kw_only=True, eq=False)
class AttentionRecompute(AttentionPass):
    """What is repeated of an attention core if it alone is recomputed."""

    def lower(self, mode: TrainingMode) -> Iterable[PricedOp]:
        return mode.recomputed(self.of, self.needs)
