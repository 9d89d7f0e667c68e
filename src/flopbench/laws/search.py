"""The search for a law: trace with symbols, check against small sizes, interpolate the rest.

A call is traced with symbols for sizes (`SymbolicCounter.trace`). A trace holds for sizes of
2 and more, so each smaller value that a size may have is traced separately and checked
against the law. A size that does not stay symbolic is interpolated: exactly, and confirmed
at points that were not used, but that is not a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any

import sympy
from attrs import define, evolve, field, frozen

from flopbench.analytic import Size
from flopbench.dims.forms import STEP, sum_over_steps, symbol
from flopbench.errors import CountError
from flopbench.laws.assumptions import MANY_WAYS, Assumptions, equations
from flopbench.laws.interpolation import interpolate
from flopbench.laws.law import Key, Law, Slice, Subject
from flopbench.laws.step_ranges import MOST_SINGLE, Regime, joined, steps_where, sum_over_regimes
from flopbench.tally import sums
from flopbench.vendor import SymbolicCounter, Trace, Uncounted, VendorCall, VendorStage
from flopbench.vendor.attribution import UncountedOp
from flopbench.vendor.method import Method

Names = tuple[str, ...]

TRACED_FROM = 2
"""The smallest value that a symbol of a trace stands for: to torch, 0 and 1 are special."""


@frozen(eq=False)
class _Found:
    """Forms by module and op, and calls of ops that have no formula."""

    forms: Mapping[Key, sympy.Expr]
    uncounted: Mapping[Key, int]
    method: Method = Method.SYMBOLIC


@define(eq=False)
class Search:
    """The search for one law: what is known of its symbols, and what was learnt on the way."""

    subject: Subject
    tick: Callable[[int], None]
    values: dict[str, int] = field(init=False)
    symbols: dict[str, sympy.Symbol] = field(init=False)
    lows: dict[str, int] = field(init=False)
    assumed: Assumptions = field(init=False, factory=Assumptions)
    steps_method: Method = field(init=False, default=Method.SYMBOLIC)
    calls: int = field(init=False, default=0)
    untraceable: str | None = field(init=False, default=None)

    def law(self) -> Law:
        """Search, and return what was found.

        Raises:
            CountError: the call fails, or its counts lie on no polynomial.
        """
        number = self._open()
        names = tuple(self.symbols)
        # Decoding begins with step 1, whatever the sizes.
        free = names if self.subject.everywhere else tuple({STEP.name} & set(names))
        found = self._find(names, {}, free)
        regimes = self._regimes(found, names, free)
        self.assumed.require_all_steps()
        total = partial(self._over_steps, number=number)
        slices = sorted(
            (Slice(piece.sizes, total(piece.forms)) for piece in self.assumed.slices),
            key=lambda piece: len(piece.sizes),
        )
        return Law(
            forms=sum_over_regimes(regimes, number) if regimes else total(found.forms),
            slices=tuple(slices),
            uncounted=tuple(
                UncountedOp(component, op, calls)
                for (component, op), calls in self._by_component(self.assumed.uncounted).items()
            ),
            assumptions=self.assumed.texts(number),
            guards=tuple(self.assumed.in_all_steps(number)),
            local=self.assumed.local,
            method=max(
                found.method, self.steps_method, key=(Method.SYMBOLIC, Method.INTERPOLATED).index
            ),
        )

    def _regimes(self, found: _Found, names: Names, free: Names) -> list[Regime]:
        """Return the ranges of steps that run otherwise; none if all steps run alike.

        Raises:
            CountError: there are more than two ways, or a size has a say in which.
        """
        first, last = steps_where(self.assumed.take_steps())
        if first > TRACED_FROM:
            raise CountError(MANY_WAYS)
        if last is None:
            return []
        self.values[STEP.name] = last + 2 * MOST_SINGLE
        early = self._regime(1, last, found)
        late, between = self._later(last, names, _without(free, STEP.name))
        regimes = joined(early, between, late)
        note = f"steps up to {regimes[0].last} and from {regimes[-1].first} on were traced apart"
        note += ", and each between them by itself" if between else ""
        self.assumed.notes[note] = None
        return regimes

    def _later(self, last: int, names: Names, free: Names) -> tuple[Regime, list[Regime]]:
        """Trace a step far after ``last``, and each of those between the two ways to run."""
        known = len(self.assumed.guards)
        later = self._find(names, {}, free)
        first, end = steps_where(self.assumed.take_steps())
        first = max(first, last + 1)
        if end is not None or first - last > MOST_SINGLE:
            raise CountError(MANY_WAYS)
        rest = _without(names, STEP.name)
        single = {v: self._find(rest, {STEP.name: v}, free) for v in range(last + 1, first)}
        new = self.assumed.guards[known:]
        about_later = any(STEP in guard.free_symbols or STEP.name in f for guard, f in new)
        unclear = any(one.method is not Method.SYMBOLIC for one in (later, *single.values()))
        if about_later or unclear or self.assumed.slices:
            raise CountError(MANY_WAYS)
        return (
            self._regime(first, None, later),
            [self._regime(step, step, one) for step, one in single.items()],
        )

    def _regime(self, first: int, last: int | None, found: _Found) -> Regime:
        forms, uncounted = self._by_component(found.forms), self._by_component(found.uncounted)
        return Regime(first, last, forms, uncounted)

    def _open(self) -> Any:
        """Make the symbols, and return the number of steps; None if there is one call only."""
        subject = self.subject
        self.values = subject.model.stage_sizes(subject.stage, subject.workload)
        open_sizes = [size for size in subject.open_sizes if size.name in self.values]
        steps = next((size for size in open_sizes if size.steps), None)
        self.lows = {size.name: size.minimum for size in open_sizes if size is not steps}
        stage = self._stage(self.values)
        stage.prepare(1)  # builds the model, before any fake tensor is around
        number = None
        if steps is not None or stage.steps != 1:
            self.lows[STEP.name] = 1
            self.values[STEP.name] = TRACED_FROM
            number = self._steps_in(steps) if steps else int(stage.steps)
        self.symbols = {name: symbol(name, low) for name, low in self.lows.items()}
        return number

    def _steps_in(self, size: Size) -> sympy.Expr:
        """Return the vendor's own number of steps as a form in the size that stands for it.

        Raises:
            CountError: the number of steps is no polynomial in that size.
        """
        with suppress(Exception):  # a vendor may take numbers only
            open_steps = self._stage({**self.values, size.name: size.symbol}).steps
            if open_steps == size.symbol:
                return open_steps

        def steps(value: int) -> dict[Key, sympy.Expr]:
            stage = self._stage({**self.values, size.name: value})
            return {("", "steps"): sympy.Integer(stage.steps)}

        high = self.values[size.name]
        found = interpolate(size.symbol, steps, low=size.minimum, high=high)
        self.steps_method = Method.INTERPOLATED
        self.assumed.notes[f"the number of steps was interpolated in {size.name}"] = None
        return found.forms["", "steps"]

    def _over_steps(self, forms: Mapping[Key, sympy.Expr], number: Any) -> dict[Key, sympy.Expr]:
        """Return the forms by component and op, summed over the steps if there are any."""
        return {
            key: sympy.expand(form) if number is None else sum_over_steps(form, number)
            for key, form in self._by_component(forms).items()
        }

    def _by_component(self, found: Mapping[Key, Any]) -> dict[Key, Any]:
        component = self.subject.vendor.component
        return sums(((component(module), op), value) for (module, op), value in found.items())

    def _stage(self, values: Mapping[str, Any]) -> VendorStage:
        subject = self.subject
        sizes = {name: value for name, value in values.items() if name != STEP.name}
        workload = subject.model.stage_workload(subject.stage, subject.workload, sizes)
        stage = subject.vendor.stage(subject.stage, workload)
        self.assumed.notes |= dict.fromkeys(stage.assumptions)
        return stage

    def _prepare(self, values: Mapping[str, Any]) -> VendorCall:
        values = {**self.values, **values}
        return self._stage(values).prepare(values.get(STEP.name, 1))

    def done(self) -> None:
        """Tell that one more call was traced or counted."""
        self.calls += 1
        self.tick(self.calls)

    def _find(self, names: Names, fixed: Mapping[str, int], free: Names) -> _Found:
        """Find the forms in the symbols ``names``, with the sizes ``fixed``.

        Args:
            free: those of ``names`` that may be 0 or 1.
        """
        if not names:
            return self._count(fixed)
        trace = self._trace(names, fixed)
        if isinstance(trace, str):
            return self._interpolate(names[0], names, fixed, free, f"not traced: {trace}")
        if trace.bound:
            name = next(iter(trace.bound))
            why = f"the program binds {name} to a number"
            return self._interpolate(name, names, fixed, free, why)
        found = _Found(trace.flops, _calls(trace.uncounted))
        self.assumed.meet(found.uncounted)
        self.assumed.add(trace.guards, fixed)
        method = self._hold_against_small_values(found, names, fixed, free)
        return evolve(found, method=method)

    def _count(self, fixed: Mapping[str, int]) -> _Found:
        count = self.subject.counter.count(self._prepare(fixed))
        self.done()
        flops = sums(((e.module, e.op), sympy.Integer(e.flops)) for e in count.counted)
        uncounted = _calls(count.uncounted)
        self.assumed.meet(uncounted)
        return _Found(flops, uncounted)

    def _trace(self, names: Names, fixed: Mapping[str, int]) -> Trace | str:
        """Trace the call, or return why it cannot be traced."""
        counter = self.subject.counter
        if not isinstance(counter, SymbolicCounter):
            return f"counter {counter.name!r} counts numbers only"
        if self.untraceable is not None:
            return self.untraceable
        try:
            trace = counter.trace(
                lambda sizes: self._prepare({**fixed, **sizes}), self._examples(names)
            )
        except CountError as error:
            if not fixed:  # what fails with all sizes open is not tried with fewer
                self.untraceable = str(error)
            return str(error)
        self.done()
        return trace

    def _examples(self, names: Names) -> dict[sympy.Symbol, int]:
        """Return the workload's own sizes, moved so that all differ and none is 0 or 1."""
        examples: dict[sympy.Symbol, int] = {}
        # The step's first: that of others may move.
        for name in sorted(names, key=lambda name: name != STEP.name):
            value = max(TRACED_FROM, self.values[name])
            while value in examples.values():
                value += 1
            examples[self.symbols[name]] = value
        return examples

    def _hold_against_small_values(
        self, found: _Found, names: Names, fixed: Mapping[str, int], free: Names
    ) -> Method:
        """Trace separately where a symbol is 0 or 1, and keep the forms if they differ there.

        Of two symbols that may both be small, the later is handled within the search for the
        earlier, so that each combination is traced once. Returns ``interpolated`` if one of
        them did not stay symbolic there.
        """
        method = found.method
        for i, name in enumerate(free):
            for value in range(self.lows[name], TRACED_FROM):
                there = {**fixed, name: value}
                if name != STEP.name and self.assumed.exclude(there):
                    continue
                small = self._find(_without(names, name), there, free[i + 1 :])
                if small.method is Method.INTERPOLATED:
                    method = small.method
                if not self._differ(found, small, name, value):
                    continue
                # The sum over all steps needs the first one, too.
                if name == STEP.name or not self.subject.everywhere:
                    raise CountError(
                        f"the program runs differently where {equations(there)}, so no single "
                        f"law holds for all of {self.subject.stage}"
                    )
                self.assumed.slices.append(Slice(there, small.forms))
        return method

    def _differ(self, found: _Found, small: _Found, name: str, value: int) -> bool:
        keys = dict.fromkeys((*found.forms, *small.forms))
        zero = sympy.Integer(0)
        return found.uncounted.keys() != small.uncounted.keys() or any(
            sympy.expand(
                found.forms.get(key, zero).subs(self.symbols[name], value)
                - small.forms.get(key, zero)
            )
            != 0
            for key in keys
        )

    def _interpolate(
        self, name: str, names: Names, fixed: Mapping[str, int], free: Names, why: str
    ) -> _Found:
        if not self.subject.everywhere:
            raise CountError(f"no closed form in {name} was measured: {why}")
        rest = _without(names, name), _without(free, name)
        at = cache(lambda value: self._find(rest[0], {**fixed, name: value}, rest[1]))
        low = self.lows[name]
        result = interpolate(
            self.symbols[name], lambda v: at(v).forms, low=low, high=self.values[name]
        )
        points = [at(value) for value in (*result.used, *result.confirmed)]
        note = (
            f"{name} was interpolated ({why}): degree {result.degree} from {name} = "
            f"{_listed(result.used)}, confirmed at {_listed(result.confirmed)}"
        )
        self.assumed.notes[note] = None
        calls = {key: calls for point in points for key, calls in point.uncounted.items()}
        return _Found(result.forms, calls, method=Method.INTERPOLATED)


def _without(names: Names, name: str) -> Names:
    return tuple(other for other in names if other != name)


def _calls(uncounted: tuple[Uncounted, ...]) -> dict[Key, int]:
    return sums(((e.module, e.op), e.calls) for e in uncounted)


def _listed(points: tuple[int, ...]) -> str:
    return ", ".join(map(str, points))
