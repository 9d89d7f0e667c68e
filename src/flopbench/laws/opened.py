"""A stage with its sizes opened: symbols for them, and calls at any values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import attrs
import sympy
from attrs import evolve, frozen

from flopbench.analytic import Size
from flopbench.dims.forms import STEP, sum_over_steps, symbol
from flopbench.laws.interpolation import interpolate
from flopbench.laws.law import Key, Subject
from flopbench.tally import sums
from flopbench.vendor import VendorCall, VendorCounter, VendorStage
from flopbench.vendor.method import Method

TRACED_FROM = 2
"""The smallest value that a symbol of a trace stands for: torch treats 0 and 1 specially."""


@frozen(eq=False, kw_only=True)
class Opened(ABC):
    """What is called, with symbols for its open sizes and for the step number.

    Attributes:
        counter: counts the calls.
        values: an example of each size, and of the step number.
        lows: the smallest value of each open size.
        symbols: the symbol of each open size.
        chunks: how many of a size make a chunk, where calls cut it into chunks.
        steps: the number of steps; None if there is one call.
        steps_method: how ``steps`` was found.
        grows: the size that each step adds 1 to (`VendorStage.grows`).
        notes: assumptions of a law, one sentence each; grows during the search.
        everywhere: whether a law must hold for all values of the open sizes. If not, it need hold
            only where none is below 2, and is found from a trace or not at all.
        may_refuse: whether the call may fail at some sizes, which a law then leaves out.
        every_layer: whether each layer is traced, equal ones as well.
        what: what errors call it.
    """

    counter: VendorCounter
    values: Mapping[str, int]
    lows: Mapping[str, int]
    symbols: Mapping[str, sympy.Symbol]
    chunks: Mapping[str, int] = attrs.Factory(dict)
    steps: Any = None
    steps_method: Method = Method.SYMBOLIC
    grows: str | None = None
    notes: dict[str, None] = attrs.Factory(dict)
    everywhere: bool = True
    may_refuse: bool = False
    every_layer: bool = False
    what: str

    @abstractmethod
    def prepare(self, values: Mapping[str, Any]) -> VendorCall:
        """Return the call at values of the sizes and of the step number."""

    @abstractmethod
    def by_component(self, found: Mapping[Key, Any]) -> dict[Key, Any]:
        """Attribute what was found by module and op to components."""

    def over_steps(self, forms: Mapping[Key, sympy.Expr]) -> dict[Key, sympy.Expr]:
        """Return the forms by component and op, summed over the steps if there are any."""
        return {
            key: sympy.expand(form) if self.steps is None else sum_over_steps(form, self.steps)
            for key, form in self.by_component(forms).items()
        }


@frozen(eq=False, kw_only=True)
class OpenedStage(Opened):
    """A stage of a subject, opened."""

    subject: Subject

    def stage(self, values: Mapping[str, Any]) -> VendorStage:
        """Return the vendor's stage at values of its sizes; others are the workload's own."""
        subject = self.subject
        sizes = {n: v for n, v in {**self.values, **values}.items() if n != STEP.name}
        workload = subject.model.stage_workload(subject.stage, subject.workload, sizes)
        stage = subject.vendor.stage(subject.stage, workload)
        self.notes.update(dict.fromkeys(stage.assumptions))
        return stage

    def prepare(self, values: Mapping[str, Any]) -> VendorCall:
        step = values.get(STEP.name, self.values.get(STEP.name, 1))
        return self.stage(values).prepare(step)

    def by_component(self, found: Mapping[Key, Any]) -> dict[Key, Any]:
        of = self.subject.vendor.component_of
        return sums(((of(module, op), op), value) for (module, op), value in found.items())


def opened(subject: Subject) -> OpenedStage:
    """Open the sizes of a subject's stage.

    Raises:
        CountError: the stage cannot be called, or its number of steps is not a polynomial.
    """
    values = dict(subject.model.stage_sizes(subject.stage, subject.workload))
    open_sizes = [size for size in subject.open_sizes if size.name in values]
    steps_size = next((size for size in open_sizes if size.steps), None)
    lows = {size.name: size.minimum for size in open_sizes if size is not steps_size}
    closed = OpenedStage(
        subject=subject,
        counter=subject.counter,
        values=values,
        lows={},
        symbols={},
        everywhere=subject.everywhere,
        every_layer=subject.every_layer,
        what=subject.stage,
    )
    stage = closed.stage({})
    stage.prepare(1)  # builds the model, before any fake tensor is around
    steps, method = None if stage.steps == 1 else stage.steps, Method.SYMBOLIC
    if steps_size is not None:
        steps, method = _steps_in(steps_size, closed)
    if steps is not None:
        lows[STEP.name] = 1
        values[STEP.name] = TRACED_FROM
    symbols = {name: symbol(name, low) for name, low in lows.items()}
    return evolve(
        closed,
        values=values,
        lows=lows,
        symbols=symbols,
        chunks=stage.chunks(),
        steps=steps,
        steps_method=method,
        grows=stage.grows,
    )


def _steps_in(size: Size, closed: OpenedStage) -> tuple[sympy.Expr, Method]:
    """Return the vendor's own number of steps as a form in the size that stands for it.

    Raises:
        CountError: the number of steps is not a polynomial in that size.
    """
    with suppress(Exception):  # a vendor may take numbers only
        steps = closed.stage({size.name: size.symbol}).steps
        if steps == size.symbol:
            return steps, Method.SYMBOLIC

    def at(value: int) -> dict[Key, sympy.Expr]:
        return {("", "steps"): sympy.Integer(closed.stage({size.name: value}).steps)}

    found = interpolate(size.symbol, at, low=size.minimum, high=closed.values[size.name])
    closed.notes[f"the number of steps was interpolated in {size.name}"] = None
    return found.forms["", "steps"], Method.INTERPOLATED
