"""A recurrence over the tokens of a sequence, to be lowered by an attention mode."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Self, TypeVar

import attrs
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.dims import Dim, dim_field, is_one
from flopbench.ops.base import PricedOp
from flopbench.ops.core import Core
from flopbench.ops.lookups import KvCacheUpdate

OpT = TypeVar("OpT", bound=PricedOp)


@frozen(kw_only=True, eq=False)
class Recurrence(Core):
    """A state of fixed size per sequence that each token reads and changes.

    A kind of recurrence says what its forms cost: token by token, in chunks of tokens if it has
    such a form, and whichever transformers runs. A mode chooses the form. Each form yields
    operations with the ``layers`` and ``steps`` of the recurrence (`op`).

    With ``steps`` > 1 it describes decoding: each step has ``tokens`` new tokens per sequence.

    Attributes:
        batch: sequences.
        tokens: new tokens of each sequence in a step.
        resumed: whether there is a state that earlier tokens left.
        cached: whether the state is kept for later passes.
    """

    noun: ClassVar[str] = "recurrences"

    batch: Dim = dim_field()
    tokens: Dim = dim_field()
    resumed: bool = False
    cached: bool = True

    repeated_alone = False

    state_dtype: ClassVar[str | None] = None
    """Type that its state has, whatever the model's; None for that of the KV cache."""

    no_chunks: ClassVar[str | None] = None
    """Why it has no form in chunks, as a clause; None if it has one."""

    @property
    @abstractmethod
    def state_elements(self) -> Dim:
        """Elements of the state of one sequence in one layer."""

    @property
    @abstractmethod
    def result_elements(self) -> Dim:
        """Elements of its result in one step."""

    @abstractmethod
    def sequential(self) -> Iterable[PricedOp]:
        """Yield it token by token."""

    def chunked(self) -> Iterable[PricedOp]:
        """Yield it in chunks of tokens."""
        raise NotImplementedError(f"{type(self).__name__} has no form in chunks")

    def as_run(self) -> Iterable[PricedOp]:
        """Yield it as transformers runs it: in chunks, but token by token for one more token."""
        return self.sequential() if self.no_chunks or self.is_step else self.chunked()

    def fused(self) -> Iterable[PricedOp]:
        """Yield it as one kernel, which does the work in chunks if it can, and stores no more."""
        inputs, outputs = sum(self.operand_elements), self.result_elements
        yield FusedRecurrence(
            component=self.component,
            layers=self.layers,
            steps=self.steps,
            parts=tuple(self.sequential() if self.no_chunks or self.is_step else self.chunked()),
            inputs=inputs,
            outputs=outputs,
            takes=self.operand_names,
            gives=self.operand_names[0],
            peak_elements=inputs + outputs + self.batch * self.state_elements,
        )

    def op(self, kind: type[OpT], /, **sizes: Any) -> OpT:
        """Return an operation at its place, for as many layers and steps."""
        place: dict[str, Any] = {
            "component": self.component,
            "layers": self.layers,
            "steps": self.steps,
        }
        return kind(**(place | sizes))

    @property
    def is_step(self) -> bool:
        """Whether it is one more token on a state that there is: a step of decoding."""
        return self.resumed and is_one(self.tokens)

    def state(self) -> Iterator[PricedOp]:
        """Yield the reading of the state that there is, and the writing of the new one."""
        if not self.cached:
            return
        held = self.batch * self.state_elements
        yield KvCacheUpdate(
            component=self.component,
            layers=self.layers,
            steps=self.steps,
            new=held,
            held=held,
            cache_reads=held if self.resumed else 0,
            dtype=self.state_dtype,
            alive_meanwhile=sum(self.operand_elements),
            gives="",
        )

    def uncached(self) -> Self:
        return attrs.evolve(self, cached=False)


@frozen(kw_only=True, eq=False)
class FusedRecurrence(PricedOp):
    """A recurrence as one kernel: the work of its parts, without storing what they pass on.

    Attributes:
        parts: what it does, each for as many layers and steps.
        inputs, outputs: elements of its operands and results.
    """

    kind = "fused_recurrence"
    parts: tuple[PricedOp, ...] = attrs.field()
    inputs: Dim = dim_field()
    outputs: Dim = dim_field()

    def weights(self) -> Dim:
        return sum(part.weights() for part in self.parts)

    def weights_read(self) -> Dim:
        return sum(part.weights_read() for part in self.parts)

    def operands(self) -> Dim:
        return self.inputs

    def results(self) -> Dim:
        return self.outputs

    def tensor_flops(self) -> Dim:
        return sum(part.tensor_flops() for part in self.parts)

    def vector_flops(self, conventions: Conventions) -> Dim:
        return sum(part.vector_flops(conventions) for part in self.parts)
