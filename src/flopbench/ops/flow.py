"""Where an operation stands in the flow of a model: what it takes and gives, and in which layer.

A backward pass follows the flow against its direction: an operation's inputs need a gradient if
something that was trained gave them.
"""

from __future__ import annotations

from attrs import frozen

from flopbench.dims import Dim

STREAM = "stream"
"""The value that operations pass on unless they say otherwise: the residual stream, say."""


@frozen
class Unit:
    """A layer, or another part that is repeated and can be recomputed as a whole.

    Attributes:
        name: what tells it from other kinds of layer of the same model.
        count: how many layers are of this kind.
        numbers: which layers of the model are of this kind, from 0, if that is known.
    """

    name: str
    count: Dim = 1
    numbers: tuple[int, ...] = ()

    @classmethod
    def of_all(cls, name: str, count: Dim) -> Unit:
        """Return the one kind of layer of a model."""
        return cls(name, count, tuple(range(count)) if isinstance(count, int) else ())


@frozen
class Needs:
    """Of what a backward pass needs the gradients.

    Attributes:
        operands: one answer for each value that an operation takes.
        weights: whether its weights are trained.
    """

    operands: tuple[bool, ...] = (True,)
    weights: bool = True

    @property
    def inputs(self) -> bool:
        """Whether some operand needs a gradient."""
        return any(self.operands)

    @property
    def anything(self) -> bool:
        """Whether anything does: if not, the operation has no backward."""
        return self.inputs or self.weights
