"""The search for a law: trace with symbols, check against small sizes, interpolate the rest.

A call is traced with symbols for sizes (`SymbolicCounter.trace`). A trace holds for sizes of
2 and more, so each smaller value that a size may have is traced separately and checked
against the law. A size that does not stay symbolic is interpolated: exactly, and confirmed
at points that were not used, but that is not a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial

import sympy
from attrs import define, evolve, field, frozen

from flopbench.dims.forms import STEP
from flopbench.errors import CountError
from flopbench.laws.assumptions import Assumptions, equations
from flopbench.laws.counted_points import CountedPoints
from flopbench.laws.equal_layers import EqualLayers, Sizes, by_module, calls_by_module
from flopbench.laws.first_steps import Examples, FirstSteps
from flopbench.laws.guards import fixed_chunks, in_chunks
from flopbench.laws.interpolation import Interpolated, gives, interpolate
from flopbench.laws.law import Key, Slice
from flopbench.laws.opened import TRACED_FROM, Opened
from flopbench.laws.staircases import THRESHOLD, interpolate_in_chunks
from flopbench.vendor import Count, SymbolicCounter, Trace, VendorCounter
from flopbench.vendor.checked import WrongAnswerError
from flopbench.vendor.method import Method

Names = tuple[str, ...]


@frozen(eq=False)
class Found:
    """Forms by module and op, and calls of ops that have no formula."""

    forms: Mapping[Key, sympy.Expr]
    uncounted: Mapping[Key, int]
    method: Method = Method.SYMBOLIC


@define(eq=False)
class Search:
    """The search for the forms of one call; keeps what it learns on the way.

    Attributes:
        opened: what is called, with symbols for its sizes.
        tick: called with the number of each call that was traced or counted.
        assumed: what the forms hold under.
        layers: which layers are traced once.
        points: what was counted to interpolate.
    """

    opened: Opened
    tick: Callable[[int], None]
    assumed: Assumptions = field(init=False)
    layers: EqualLayers = field(init=False)
    _first_steps: FirstSteps = field(init=False, factory=FirstSteps)
    _calls: int = field(init=False, default=0)
    _untraceable: str | None = field(init=False, default=None)
    points: CountedPoints = field(init=False)
    _given: Opened = field(init=False)

    @assumed.default
    def _notes_of_the_stage(self) -> Assumptions:
        return Assumptions(notes=self.opened.notes)

    @layers.default
    def _equal_ones_once(self) -> EqualLayers:
        return EqualLayers(self.opened.every_layer)

    @points.default
    def _equal_ones_run_once(self) -> CountedPoints:
        # The law of a call that may refuse sizes is held at its examples alone.
        return CountedPoints(self.opened.every_layer or self.opened.may_refuse)

    @_given.default
    def _as_it_is_now(self) -> Opened:
        return evolve(self.opened, notes=dict(self.opened.notes))

    @property
    def took_layers_as_equal(self) -> bool:
        """Whether some layer was not traced, or not run, since it equals another."""
        return bool(self.layers.stood_for) or self.points.took_layers_as_equal

    def begin_anew(self) -> None:
        """Forget what was found, and take no layers as equal."""
        notes = dict(self._given.notes)
        self.opened = evolve(self._given, notes=notes, every_layer=True)
        self.assumed = Assumptions(notes=self.opened.notes)
        self.layers, self.points = EqualLayers(every_layer=True), CountedPoints(every_layer=True)
        self._first_steps, self._untraceable = FirstSteps(), None

    def done(self) -> None:
        """Report that one more call was traced or counted."""
        self._calls += 1
        self.tick(self._calls)

    def find(
        self,
        names: Names,
        fixed: Mapping[str, int],
        free: Names,
        is_held: Callable[[Found], bool] = lambda _found: False,
    ) -> Found:
        """Find the forms in the symbols ``names``, with the sizes ``fixed``.

        Args:
            free: those of ``names`` that may be 0 or 1.
            is_held: whether forms say the same as others that were held against counts.
        """
        if not names:
            return self._count(fixed)
        traced = self._trace(names, fixed)
        if isinstance(traced, str):
            return self._interpolate(names[0], names, fixed, free, f"not traced: {traced}")
        trace, examples = traced
        if trace.bound:
            name = next(iter(trace.bound))
            why = f"the program binds {name} to a number"
            return self._interpolate(name, names, fixed, free, why)
        looped = fixed_chunks(trace.guards, {*names} & {*self.opened.chunks})
        if looped:
            why = f"the program loops over chunks of {looped}"
            return self._interpolate(looped, names, fixed, free, why)
        chunked = {form: in_chunks(form) for form in {*trace.flops.values()}}
        forms = {key: chunked[form] for key, form in trace.flops.items()}
        found = Found(forms, calls_by_module(trace.uncounted))
        is_new = self.layers.is_new(trace)
        if trace.stood_for and (is_new or not is_held(found)):
            widely = is_new or not fixed
            if not self._layers_hold(trace, examples, fixed, widely=widely):
                return self.find(names, fixed, free, is_held)
        self.assumed.meet(found.uncounted)
        self.assumed.add(trace.guards, fixed)
        method = self._hold_against_small_values(found, names, fixed, free)
        return evolve(found, method=method)

    def _count(self, fixed: Mapping[str, int]) -> Found:
        """Count the call, every layer of it."""
        return self._counted(self._run(self.opened.counter, fixed))

    def _point(self, names: Names, fixed: Mapping[str, int], free: Names) -> Found:
        """Find the forms at one value of a size that is interpolated."""
        if names:
            return self.find(names, fixed, free)
        run = partial(self._run, sizes=fixed)
        return self._counted(self.points.count(self.opened.counter, run, fixed))

    def _run(self, counter: VendorCounter, sizes: Sizes) -> Count:
        found = counter.count(self.opened.prepare(sizes))
        self.done()
        return found

    def _counted(self, count: Count) -> Found:
        flops, calls = by_module(count)
        self.assumed.meet(calls)
        return Found({key: sympy.Integer(number) for key, number in flops.items()}, calls)

    def _layers_hold(
        self, trace: Trace, examples: Sizes, fixed: Mapping[str, int], *, widely: bool
    ) -> bool:
        """Hold layers that stood for others against counts of every layer."""

        def count(sizes: Sizes) -> Count:
            return self._run(self.opened.counter, {**fixed, **sizes})

        return self.layers.hold(trace, examples, count, widely=widely)

    def _trace(self, names: Names, fixed: Mapping[str, int]) -> tuple[Trace, Sizes] | str:
        """Trace the call, or return why it cannot be traced; with the examples that it followed."""
        counter = self.opened.counter
        if not isinstance(counter, SymbolicCounter):
            return f"counter {counter.name!r} counts numbers only"
        if self._untraceable is not None:
            return self._untraceable
        failed = ""
        for examples in self._all_examples(names):
            for one in dict.fromkeys((self.layers.once(counter), counter)):
                try:
                    trace = self._traced_by(one, fixed, examples)
                except WrongAnswerError:
                    raise
                except CountError as error:
                    failed = failed or (str(error) if one is counter else "")
                else:
                    return trace, {symbol.name: value for symbol, value in examples.items()}
        if not fixed:  # what fails with all sizes open is not tried with fewer
            self._untraceable = failed
        return failed

    def _traced_by(
        self, counter: SymbolicCounter, fixed: Mapping[str, int], examples: Examples
    ) -> Trace:
        def trace(closed: Mapping[str, int], sizes: Examples) -> Trace:
            found = counter.trace(lambda at: self.opened.prepare({**closed, **at}), sizes)
            self.done()
            return found

        counting = counter is self.opened.counter, self.layers.apart
        return self._first_steps.trace(self.opened, fixed, examples, counting, trace)

    def _all_examples(self, names: Names) -> list[dict[sympy.Symbol, int]]:
        """Return the examples to try: moved ones; and if the call may refuse those, its own."""
        moved = self._examples(names)
        own = {s: max(TRACED_FROM, self.opened.values[s.name]) for s in moved}
        return [moved, own] if self.opened.may_refuse and own != moved else [moved]

    def _examples(self, names: Names) -> dict[sympy.Symbol, int]:
        """Return the workload's own sizes, moved so that all differ and none is 0 or 1."""
        examples: dict[sympy.Symbol, int] = {}
        # The step number first: the examples of other sizes may move.
        for name in sorted(names, key=lambda name: name != STEP.name):
            value = max(TRACED_FROM, self.opened.values[name])
            while value in examples.values():
                value += 1
            examples[self.opened.symbols[name]] = value
        return examples

    def _hold_against_small_values(
        self, found: Found, names: Names, fixed: Mapping[str, int], free: Names
    ) -> Method:
        """Trace separately where a symbol is 0 or 1, and keep the forms if they differ there.

        Of two symbols that may both be small, the later is handled within the search for the
        earlier, so that each combination is traced once. Returns ``interpolated`` if one of
        them did not stay symbolic there.
        """
        method = found.method
        for i, name in enumerate(free):
            for value in range(self.opened.lows[name], TRACED_FROM):
                there = {**fixed, name: value}
                if name != STEP.name and self.assumed.exclude(there):
                    continue
                agrees = partial(self._agree, found, name, value)
                small = self._find_small(without(names, name), there, free[i + 1 :], name, agrees)
                if small is None:
                    continue
                if small.method is Method.INTERPOLATED:
                    method = small.method
                if agrees(small):
                    continue
                # The sum over all steps needs the first one, too.
                if name == STEP.name or not self.opened.everywhere:
                    raise CountError(
                        f"the program runs differently where {equations(there)}, so no single "
                        f"law holds for all of {self.opened.what}"
                    )
                self.assumed.slices.append(Slice(there, small.forms))
        return method

    def _find_small(
        self,
        names: Names,
        there: Mapping[str, int],
        free: Names,
        name: str,
        agrees: Callable[[Found], bool],
    ) -> Found | None:
        """Find the forms where a size is small; None, and a guard, if the call refuses that."""
        try:
            return self.find(names, there, free, agrees)
        except CountError:
            if not self.opened.may_refuse:
                raise
        around = {other: value for other, value in there.items() if other != name}
        self.assumed.add([self.opened.symbols[name] > there[name]], around)
        return None

    def _agree(self, found: Found, name: str, value: int, small: Found) -> bool:
        """Return whether forms give those that were found where a size is small."""
        zero = sympy.Integer(0)
        # Layers that are equal have the same forms.
        pairs = {
            (found.forms.get(key, zero), small.forms.get(key, zero))
            for key in (*found.forms, *small.forms)
        }
        return found.uncounted.keys() == small.uncounted.keys() and all(
            sympy.expand(form.subs(self.opened.symbols[name], value) - there) == 0
            for form, there in pairs
        )

    def _interpolate(
        self, name: str, names: Names, fixed: Mapping[str, int], free: Names, why: str
    ) -> Found:
        if not self.opened.everywhere:
            raise CountError(f"no closed form in {name} was measured: {why}")
        rest = without(names, name), without(free, name)
        at = cache(lambda value: self._point(rest[0], {**fixed, name: value}, rest[1]))
        result, where = self._interpolated(name, fixed, lambda value: at(value).forms)
        points = [at(value) for value in (*result.used, *result.confirmed)]
        points += self._hold_below(name, fixed, result, at)
        note = (
            f"{name} was interpolated{where} ({why}): degree {result.degree} from {name} = "
            f"{_listed(result.used)}, confirmed at {_listed(result.confirmed)}"
        )
        self.assumed.notes[note] = None
        self.assumed.interpolated[name] = why
        calls = {key: calls for point in points for key, calls in point.uncounted.items()}
        return Found(result.forms, calls, method=Method.INTERPOLATED)

    def _interpolated(
        self, name: str, fixed: Mapping[str, int], value: Callable[[int], Mapping[Key, sympy.Expr]]
    ) -> tuple[Interpolated, str]:
        """Return the polynomials in a size, and in what else than the size they are."""
        symbol, chunk = self.opened.symbols[name], self.opened.chunks.get(name)
        if chunk is None:
            return self._polynomials(name, fixed, value), ""
        found = interpolate_in_chunks(symbol, chunk, value, high=self.opened.values[name])
        return found, f", with the number of chunks of {chunk}"

    def _polynomials(
        self, name: str, fixed: Mapping[str, int], value: Callable[[int], Mapping[Key, sympy.Expr]]
    ) -> Interpolated:
        """Return the polynomials from the smallest size on; else beyond small ones that differ."""
        symbol, low, high = self.opened.symbols[name], self.opened.lows[name], self.opened.values
        try:
            return interpolate(symbol, value, low=low, high=high[name])
        except CountError:
            if low >= THRESHOLD or STEP.name in {name, *fixed}:  # exceptions hold in all steps
                raise
        return interpolate(symbol, value, low=THRESHOLD, high=high[name])

    def _hold_below(
        self, name: str, fixed: Mapping[str, int], result: Interpolated, at: Callable[[int], Found]
    ) -> list[Found]:
        """Find what holds at the small sizes that were not interpolated, and keep what differs."""
        symbol, found = self.opened.symbols[name], []
        for value in range(self.opened.lows[name], min(THRESHOLD, result.used[0])):
            small = at(value)
            found.append(small)
            if not gives(result.forms, symbol, value, small.forms):
                self.assumed.slices.append(Slice({**fixed, name: value}, small.forms))
        return found


def without(names: Names, name: str) -> Names:
    """Return the names but one."""
    return tuple(other for other in names if other != name)


def _listed(points: tuple[int, ...]) -> str:
    return ", ".join(map(str, points))
