"""Attention in a training step, to be lowered by an attention mode as its forward is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Protocol

import attrs
from attrs import frozen

from flopbench.ops import Attention, Kept, Needs, Op, PricedOp

OPERANDS = ("queries", "keys", "values")
"""Names of an attention core's operands, for the operations that carry it out."""


class TrainingMode(Protocol):
    """What an attention mode says of a training step (`flopbench.AttentionMode`)."""

    def backward(self, op: Attention, needs: Needs) -> Iterable[PricedOp]:
        """Yield the operations of the backward."""

    def recomputed(self, op: Attention, needs: Needs) -> Iterable[PricedOp]:
        """Yield what is repeated if the core alone is recomputed."""

    def keeps(self, op: Attention, needs: Needs) -> Iterable[Kept]:
        """Yield what the core leaves for its backward."""


@frozen(kw_only=True, eq=False)
class AttentionPass(Op):
    """A pass over an attention core.

    Attributes:
        of: the core.
        needs: which gradients of queries, keys and values, and of sinks, are needed.
    """

    of: Attention = attrs.field()
    needs: Needs

    @abstractmethod
    def lower(self, mode: TrainingMode) -> Iterable[PricedOp]:
        """Return the operations that carry it out."""

    @classmethod
    def over(cls, op: Attention, needs: Needs) -> AttentionPass:
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
