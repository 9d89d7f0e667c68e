"""The abstract vendor counter: it counts a call of the real model, under a convention."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import frozen

from flopbench.conventions import ENTRIES, MAC_FLOPS
from flopbench.errors import CountError, unknown
from flopbench.vendor.method import Method
from flopbench.vendor.model import VERIFIED, VendorCall
from flopbench.vendor.own import OwnFormula

if TYPE_CHECKING:
    import sympy

EXECUTED_FLOP = "executed FLOP"
"""The unit of counters that report what a GPU executes, padding included."""


FLOPS_PER_UNIT: Mapping[str, int] = {"FLOP": 1, "MAC": MAC_FLOPS}
"""Units in which closed forms can be priced, each with its value in FLOPs of matrix work."""


@frozen
class Convention:
    """What a counter's numbers mean.

    Attributes:
        unit: the unit of matrix work: ``FLOP``, or ``MAC`` for a counter that counts a
            multiply-accumulate as 1. Closed forms are priced in it; any other unit is not
            comparable with them. For ``executed FLOP``, the report shows how much is useful, per
            component.
        sees: kinds of matrix operation (`flopbench.ops`) that its numbers include.
        per_element: what it adds to them per element of a vector operation, by kind
            (``layer_norm``), and per output of a biased layer (``linear bias``).
    """

    unit: str
    sees: frozenset[str]
    per_element: Mapping[str, int] = attrs.field(factory=dict)

    @per_element.validator
    def _known(self, _attribute: object, value: Mapping[str, int]) -> None:
        known = {*ENTRIES} - {"bias"}
        known |= {f"{kind} bias" for kind in ("linear", "conv2d")}
        for name in value:
            if name not in known:
                raise ValueError(f"per_element: {unknown('vector operation', name, known)}")

    @property
    def comparable(self) -> bool:
        """Whether closed forms can be priced in its unit."""
        return self.unit in FLOPS_PER_UNIT

    @property
    def plain(self) -> bool:
        """Whether its numbers are FLOPs of matrix work alone, as laws and proofs require."""
        return self.unit == "FLOP" and not any(self.per_element.values())

    def describe(self) -> str:
        """Describe in words what is counted."""
        added = sorted(name for name, count in self.per_element.items() if count)
        return f"{self.unit}s" + (f", with {', '.join(added)} added" if added else "")

    def matrix_work(self, flops: int) -> int:
        """Price matrix work in this unit.

        Raises:
            ValueError: the unit is not comparable, or the FLOPs are not a whole number of it.
        """
        if not self.comparable:
            raise ValueError(f"matrix work cannot be priced in the unit {self.unit!r}")
        count, rest = divmod(flops, FLOPS_PER_UNIT[self.unit])
        if rest:
            raise ValueError(f"{flops} FLOPs are not a whole number of {self.unit}s")
        return count


@frozen
class Counted:
    """FLOPs of one kind of op in one module, without its sub-modules."""

    module: str
    op: str
    flops: int


@frozen
class Uncounted:
    """An op that does matrix or attention work, for which the counter has no formula."""

    module: str
    op: str
    calls: int


@frozen
class Count:
    """What a counter saw of one call."""

    counted: tuple[Counted, ...]
    uncounted: tuple[Uncounted, ...] = ()

    @property
    def flops(self) -> int:
        """All FLOPs counted."""
        return sum(entry.flops for entry in self.counted)


@frozen
class StageCount:
    """What a counter saw of a stage, over all its steps.

    Attributes:
        own_formulas: those of the counter's own formulas that gave a part of it.
        method: how it was obtained.
    """

    count: Count
    assumptions: tuple[str, ...] = ()
    own_formulas: tuple[OwnFormula, ...] = ()
    method: Method = Method.CONCRETE


@frozen
class Saved:
    """What the forward pass of a training step keeps for its backward, in bytes.

    Each storage counts once, as a whole. It is what autograd keeps, and what recomputation starts
    from if that is given by position; what is given by name (transformers' masks and rotary
    angles, the same for all layers) is not seen.

    Attributes:
        by_module: by the path of the module that kept it first.
        weights: parameters and buffers of the model.
        inputs: what no op of the call made: its inputs, and constants.
    """

    by_module: Mapping[str, int]
    weights: int = 0
    inputs: int = 0


class VendorCounter(ABC):
    """Counts the FLOPs of a call of a real model.

    A whole plugin::

        import torch
        from flopbench import Convention, Count, Counted, VendorCounter, hookimpl

        class Hooks(VendorCounter):
            name = "hooks"
            summary = "linear layers, by forward hooks"
            convention = Convention(unit="FLOP", sees=frozenset({"linear"}))

            def count(self, call):
                found = []
                handles = [
                    module.register_forward_hook(
                        lambda m, inputs, _out, name=name: found.append(
                            Counted(name, "linear", 2 * inputs[0].numel() * m.out_features)
                        )
                    )
                    for name, module in call.root.named_modules()
                    if isinstance(module, torch.nn.Linear)
                ]
                try:
                    call.run()
                finally:
                    for handle in handles:
                        handle.remove()
                return Count(tuple(found))

        @hookimpl
        def flopbench_vendor_counters():
            return [Hooks]
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""

    convention: ClassVar[Convention]
    """What the numbers mean; the closed forms are priced under it before comparing."""

    tells_phases: ClassVar[bool] = False
    """Whether it differentiates a call of a training step, and counts one of its passes alone."""

    variant: ClassVar[str] = VERIFIED
    """The variant of the vendor model that it counts."""

    @abstractmethod
    def count(self, call: VendorCall) -> Count:
        """Run the call and return what was counted, per module and op.

        Raises:
            flopbench.errors.CountError: the call fails, or cannot be counted as a whole.
        """

    def saved(self, call: VendorCall) -> Saved:
        """Run the forward pass of a training step, and return what it keeps for the backward.

        Raises:
            CountError: the call fails, or the counter does not tell.
        """
        raise CountError(
            f"counter {self.name!r} does not tell what a training step keeps: the torch counter "
            "does"
        )

    def own_formulas(self) -> tuple[OwnFormula, ...]:
        """Return the formulas of its own that it has besides those of its library."""
        return ()

    def own_formulas_of(self, ops: Iterable[str]) -> tuple[OwnFormula, ...]:
        """Return those of its own formulas that counted some of these ops."""
        counted = {*ops}
        return tuple(formula for formula in self.own_formulas() if formula.op in counted)

    def without_own_formulas(self) -> VendorCounter:
        """Return a counter with its library's formulas alone: itself if it has no others."""
        return self

    def tile(self, op: str) -> str | None:
        """Return what a kernel multiplies at once, if ``op`` is a kernel whose name gives it."""
        return None

    def provenance(self) -> Mapping[str, str]:
        """Return the versions of the software that counts, for the report."""
        return {}


@frozen
class Trace:
    """What a counter saw of one call whose sizes were symbols.

    Attributes:
        flops: FLOPs by (module, op), as SymPy expressions in the symbols.
        uncounted: ops that do matrix or attention work and have no formula.
        guards: relations between the symbols that the program's branches assumed.
        bound: symbols that the program bound to a number; the expressions hold only for it.
        stood_for: paths of modules that were not traced, each with that of the equal one whose work
            stands for theirs (`SymbolicCounter.with_equal_layers_once`).
    """

    flops: Mapping[tuple[str, str], sympy.Expr]
    uncounted: tuple[Uncounted, ...] = ()
    guards: tuple[sympy.Basic, ...] = ()
    bound: Mapping[str, int] = attrs.Factory(dict)
    stood_for: Mapping[str, str] = attrs.Factory(dict)


class SymbolicCounter(VendorCounter):
    """A counter that can also count a call whose sizes are symbols: a closed form."""

    @abstractmethod
    def trace(
        self,
        prepare: Callable[[Mapping[str, Any]], VendorCall],
        symbols: Mapping[sympy.Symbol, int],
    ) -> Trace:
        """Run a call whose sizes are symbols and return what was counted.

        Args:
            prepare: makes the call from the symbolic sizes, by the names of their symbols.
            symbols: each symbol with an example value, at least 2. Where the program branches
                on a size, it takes the branch of the example, and a guard records that.

        Raises:
            flopbench.errors.CountError: the call fails, or cannot be counted as a whole.
        """

    def with_equal_layers_once(self, apart: AbstractSet[str] = frozenset()) -> SymbolicCounter:
        """Return a counter that runs equal layers once: itself if it runs every layer.

        They are equal as far as the counter sees. Who uses it holds what it traces and counts
        against plain counts, and names the layers where those differ.

        Args:
            apart: paths of layers that are taken as equal to no other.
        """
        return self
