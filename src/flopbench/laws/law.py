"""A law: the vendor's cost of a stage as closed forms in the stage's sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import sympy
from attrs import frozen

from flopbench.analytic import Size
from flopbench.analytic.checked import CheckedModel, checked_model
from flopbench.dims import Dim
from flopbench.dims.forms import STEP, evaluate
from flopbench.errors import CountError, DimError
from flopbench.vendor import VendorCounter
from flopbench.vendor.attribution import UncountedOp
from flopbench.vendor.checked import CheckedVendor, checked_counter, checked_vendor
from flopbench.vendor.method import Method

Key = tuple[str, str]
"""Component (or module) and op."""


MOST_STEPS = 10_000
"""The most steps that are checked one by one."""


@frozen(eq=False)
class Slice:
    """Sizes of 0 or 1 at which the program runs differently from what the law says.

    Attributes:
        sizes: the small sizes.
        forms: the closed forms there, over all steps, by component and op.
    """

    sizes: Mapping[str, int]
    forms: Mapping[Key, sympy.Expr]


@frozen(eq=False)
class Law:
    """FLOPs of a stage, over all its steps.

    Attributes:
        forms: closed forms in the open sizes, by component and op.
        slices: where other forms hold.
        uncounted: ops that do matrix work and have no formula, with their calls in one step.
        assumptions: what the law holds under, one sentence or relation each.
        guards: those assumptions that are relations between the sizes.
        local: further relations, each with the sizes at which it must hold.
        method: `Method.SYMBOLIC` if every size stayed a symbol, else `Method.INTERPOLATED`.
        modules: in how many modules each op was counted, by component and op, in the count of the
            workload that the law was held against.
    """

    forms: Mapping[Key, sympy.Expr]
    slices: tuple[Slice, ...] = ()
    uncounted: tuple[UncountedOp, ...] = ()
    assumptions: tuple[str, ...] = ()
    guards: tuple[sympy.Basic, ...] = ()
    local: tuple[tuple[sympy.Basic, Mapping[str, int]], ...] = ()
    method: Method = Method.SYMBOLIC
    modules: Mapping[Key, int] = attrs.Factory(dict)

    def holds_at(self, sizes: Mapping[str, int], steps: int = 1) -> bool:
        """Return whether the guards hold at these sizes, in every step."""
        return all(
            put_in(guard, point) == sympy.true
            for guard in self.guards_at(sizes)
            for point in ({**sizes, STEP.name: step} for step in _telling(guard, steps))
        )

    @property
    def limited(self) -> bool:
        """Whether the law holds only where some relations between the sizes do."""
        return bool(self.guards or self.local)

    def guards_at(self, sizes: Mapping[str, int]) -> tuple[sympy.Basic, ...]:
        """Return the relations that must hold at these sizes, in all steps."""
        met = (
            guard
            for guard, fixed in self.local
            if {n: v for n, v in fixed.items() if n != STEP.name}.items() <= sizes.items()
        )
        return (*self.guards, *met)

    def at(self, sizes: Mapping[str, Dim]) -> dict[Key, Dim]:
        """Evaluate the law on ints or integer arrays: FLOPs by component and op.

        Raises:
            DimError: a result is not an integer, or a size is an array and the law has slices.
        """
        return {key: evaluate(form, sizes) for key, form in self._forms_at(sizes).items()}

    def _forms_at(self, sizes: Mapping[str, Dim]) -> Mapping[Key, sympy.Expr]:
        if self.slices and not all(isinstance(value, int) for value in sizes.values()):
            raise DimError("a law with exceptions is evaluated point by point, not on arrays")
        met = [piece for piece in self.slices if piece.sizes.items() <= sizes.items()]
        return max(met, key=lambda piece: len(piece.sizes)).forms if met else self.forms


ORDERED = (
    sympy.StrictLessThan,
    sympy.LessThan,
    sympy.StrictGreaterThan,
    sympy.GreaterThan,
    sympy.Equality,
)


def put_in(guard: sympy.Basic, sizes: Mapping[str, int]) -> sympy.Basic:
    """Return a relation with sizes put in, those that it has; false where it divides by 0."""
    try:
        return guard.subs({s: sizes[s.name] for s in guard.free_symbols if s.name in sizes})
    except ZeroDivisionError:
        return sympy.false


def is_linear(form: sympy.Expr) -> bool:
    """Return whether a form is linear in the step, and depends on it."""
    return bool(form.is_polynomial(STEP)) and sympy.degree(form, STEP) == 1


def _telling(guard: sympy.Basic, steps: int) -> Iterable[int]:
    """Return the steps to check: what is linear in k and holds at both ends holds in between.

    Raises:
        CountError: each step would have to be checked, and there are too many.
    """
    if STEP not in guard.free_symbols:
        return (1,)
    if isinstance(guard, ORDERED) and is_linear(guard.lhs - guard.rhs):
        return (1, steps)
    if steps > MOST_STEPS:
        raise CountError(f"whether {guard} holds in each of {steps} steps was not checked")
    return range(1, steps + 1)


@frozen(kw_only=True)
class Subject:
    """What a law describes: a stage of a workload, and its counter.

    Attributes:
        open_sizes: the sizes to leave open, of those that the stage has.
        everywhere: whether the law must hold for all values of the open sizes. If not, it need
            hold only where none is below 2, and is found from a trace or not at all.
        every_layer: whether each layer is traced. If not, those that are equal are traced once
            (`flopbench.laws.equal_layers`).
    """

    vendor: CheckedVendor = attrs.field(converter=checked_vendor)
    counter: VendorCounter = attrs.field(converter=checked_counter)
    model: CheckedModel = attrs.field(converter=checked_model)
    stage: str
    workload: Any
    open_sizes: tuple[Size, ...]
    everywhere: bool = True
    every_layer: bool = False
