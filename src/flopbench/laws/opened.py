"""A stage with its sizes opened: symbols for them, and calls at any values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import sympy
from attrs import frozen

from flopbench.analytic import Size
from flopbench.dims.forms import STEP, sum_over_steps, symbol
from flopbench.laws.interpolation import interpolate
from flopbench.laws.law import Key, Subject
from flopbench.tally import sums
from flopbench.vendor import VendorCall, VendorStage
from flopbench.vendor.method import Method

TRACED_FROM = 2
"""The smallest value that a symbol of a trace stands for: torch treats 0 and 1 specially."""


@frozen(eq=False)
class Opened:
    """A stage of the subject, with symbols for its open sizes and for the step number.

    Attributes:
        values: the workload's own sizes, and an example of the step number.
        lows: the smallest value of each open size.
        symbols: the symbol of each open size.
        steps: the number of steps; None if the stage is one call.
        steps_method: how ``steps`` was found.
        notes: assumptions of a law of the stage, one sentence each; grows during the search.
    """

    subject: Subject
    values: Mapping[str, int]
    lows: Mapping[str, int]
    symbols: Mapping[str, sympy.Symbol]
    steps: Any
    steps_method: Method
    notes: dict[str, None]

    def stage(self, values: Mapping[str, Any]) -> VendorStage:
        """Return the vendor's stage at values of its sizes; others are the workload's own."""
        subject = self.subject
        sizes = {n: v for n, v in {**self.values, **values}.items() if n != STEP.name}
        workload = subject.model.stage_workload(subject.stage, subject.workload, sizes)
        stage = subject.vendor.stage(subject.stage, workload)
        self.notes.update(dict.fromkeys(stage.assumptions))
        return stage

    def prepare(self, values: Mapping[str, Any]) -> VendorCall:
        """Return the vendor's call at values of the sizes and of the step number."""
        step = values.get(STEP.name, self.values.get(STEP.name, 1))
        return self.stage(values).prepare(step)

    def by_component(self, found: Mapping[Key, Any]) -> dict[Key, Any]:
        """Attribute what was found by module and op to components."""
        of = self.subject.vendor.component_of
        return sums(((of(module, op), op), value) for (module, op), value in found.items())

    def over_steps(self, forms: Mapping[Key, sympy.Expr]) -> dict[Key, sympy.Expr]:
        """Return the forms by component and op, summed over the steps if there are any."""
        return {
            key: sympy.expand(form) if self.steps is None else sum_over_steps(form, self.steps)
            for key, form in self.by_component(forms).items()
        }


def opened(subject: Subject) -> Opened:
    """Open the sizes of a subject's stage.

    Raises:
        CountError: the stage cannot be called, or its number of steps is not a polynomial.
    """
    values = dict(subject.model.stage_sizes(subject.stage, subject.workload))
    open_sizes = [size for size in subject.open_sizes if size.name in values]
    steps_size = next((size for size in open_sizes if size.steps), None)
    lows = {size.name: size.minimum for size in open_sizes if size is not steps_size}
    closed = Opened(subject, values, {}, {}, None, Method.SYMBOLIC, {})
    stage = closed.stage({})
    stage.prepare(1)  # builds the model, before any fake tensor is around
    steps, method = None if stage.steps == 1 else stage.steps, Method.SYMBOLIC
    if steps_size is not None:
        steps, method = _steps_in(steps_size, closed)
    if steps is not None:
        lows[STEP.name] = 1
        values[STEP.name] = TRACED_FROM
    symbols = {name: symbol(name, low) for name, low in lows.items()}
    return Opened(subject, values, lows, symbols, steps, method, closed.notes)


def _steps_in(size: Size, closed: Opened) -> tuple[sympy.Expr, Method]:
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
