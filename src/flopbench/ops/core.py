"""Operations without a price of their own: an attention mode carries them out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar, Self

from attrs import frozen

from flopbench.dims import Dim
from flopbench.ops.base import Op, PricedOp


@frozen(kw_only=True, eq=False)
class Core(Op):
    """What mixes the tokens of a sequence, to be lowered by an attention mode.

    `Attention` compares queries with keys; a `Recurrence` has a state that each token changes.
    """

    operand_names: ClassVar[tuple[str, ...]] = ()
    """What the operations that carry it out call its operands, in the order of `Op.takes`."""

    repeated_alone: ClassVar[bool] = True
    """Whether selective recomputation repeats it: attention, whose scores are what is large."""

    @property
    @abstractmethod
    def operand_elements(self) -> tuple[Dim, ...]:
        """Elements of each operand in the last step."""

    def weights(self) -> Dim:
        """Elements of the weights that one copy holds."""
        return 0

    def state(self) -> Iterable[PricedOp]:
        """Yield what is kept for later passes: held, read and written.

        The keys and values that `Attention` reads are read by what carries it out.
        """
        return ()

    def uncached(self) -> Self:
        """Return it in a training step, which keeps nothing for later passes."""
        return self

    def expanded(self) -> Iterable[Op]:
        """Yield it as operations that every mode knows: itself, unless its keys are latent."""
        return (self,)


def expanded(ops: Iterable[Op]) -> Iterator[Op]:
    """Yield operations with all latent keys and values expanded (`Core.expanded`)."""
    for op in ops:
        yield from op.expanded() if isinstance(op, Core) else (op,)
