"""Fewer and simpler relations between sizes: what a trace assumes, without what follows from it.

A program that pads S tokens to chunks of m leaves relations about S + Mod(-S, m), its quotients and
products. All of them are about the number of chunks, ceiling(S/m): written in it, most follow from
the ranges of the sizes, or from the few that bound them.

Nothing is lost: for all whole sizes in their ranges, the relations that are left hold exactly where
all of them do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sympy
from attrs import define, field
from sympy.logic.boolalg import BooleanFunction

from flopbench.dims.forms import STEP
from flopbench.laws.chunks import Chunks

LEAST = 2
"""The smallest value of a size in a trace; the step number may be 1."""

_ROUNDS = 3
"""How often bounds are sought: each round may use those of the one before."""


def reduced(guards: Iterable[sympy.Basic]) -> list[sympy.Basic]:
    """Return relations that hold where all of these do, without those that follow from others.

    Args:
        guards: of one trace, whose open sizes are `LEAST` or more.
    """
    given = list(dict.fromkeys(guards))
    known = _Ranges()
    inner = [_tried(known.chunks.inward, guard) for guard in given]
    for _ in range(_ROUNDS):
        inner = [_tried(known.simplified, guard) for guard in inner]
        for guard in inner:
            known.learn(guard)
    left = [guard for guard in inner if not known.is_bound(guard) and known.decided(guard) is None]
    refuted = [g for g, i in zip(given, inner, strict=True) if known.decided(i) is False]
    kept = [*known.bounds(given), *map(known.chunks.outward, left), *refuted]
    return [guard for guard in dict.fromkeys(kept) if guard != sympy.true]


def _tried(change: Callable[[sympy.Basic], sympy.Basic], guard: sympy.Basic) -> sympy.Basic:
    """Return a relation changed, or as it is if SymPy (1.14) cannot build what it is changed to."""
    try:
        return change(guard)
    except (ArithmeticError, RecursionError):
        return guard


def in_chunks(form: sympy.Expr) -> sympy.Expr:
    """Write a closed form in numbers of chunks: ceiling(S/m) for what S is padded to, over m."""
    if not form.has(sympy.floor, sympy.ceiling, sympy.Mod):
        return form
    chunks = _Ranges().chunks
    return chunks.in_sizes(chunks.inward(form))


def fixed_chunks(guards: Iterable[sympy.Basic], names: Iterable[str]) -> str | None:
    """Return which of some sizes has its number of chunks fixed, as by a loop over them."""
    for guard in reduced(guards):
        if isinstance(guard, sympy.Equality) and isinstance(guard.lhs, sympy.ceiling):
            found = {symbol.name for symbol in guard.free_symbols} & {*names}
            if found and guard.rhs.is_Integer:
                return str(found.pop())
    return None


@define(eq=False)
class _Ranges:
    """What is known of sizes, and of numbers of chunks, each a symbol of its own.

    Attributes:
        chunks: numbers of chunks.
        low, high: the bounds of a symbol that guards give; those of its range are not in them.
    """

    chunks: Chunks = field(init=False)
    low: dict[sympy.Symbol, int] = field(factory=dict)
    high: dict[sympy.Symbol, int] = field(factory=dict)

    @chunks.default
    def _of_these_sizes(self) -> Chunks:
        return Chunks(lambda form: self.decided(sympy.Gt(form, 0)))

    def simplified(self, guard: sympy.Basic) -> sympy.Basic:
        """Evaluate the parts of a relation that the ranges decide."""
        if isinstance(guard, BooleanFunction):
            return guard.func(*(self._known(argument) for argument in guard.args))
        kinds = (sympy.Mod, sympy.floor, sympy.Max, sympy.Min)
        return guard.replace(lambda e: isinstance(e, kinds), self._smaller)

    def _known(self, guard: sympy.Basic) -> sympy.Basic:
        guard = self.simplified(guard)
        decided = self.decided(guard)
        return guard if decided is None else sympy.true if decided else sympy.false

    def _smaller(self, form: sympy.Expr) -> sympy.Expr:
        if isinstance(form, sympy.Mod):
            rest, divisor = form.args
            fits = self.decided(sympy.Ge(rest, 0)) and self.decided(sympy.Lt(rest, divisor))
            return rest if fits else self.chunks.remainder(rest, divisor)
        if isinstance(form, sympy.floor):
            return sympy.floor(self.chunks.divided(form.args[0]))
        larger = isinstance(form, sympy.Max)
        for one in form.args:
            others = [other for other in form.args if other is not one]
            if all(self.decided(one >= o if larger else one <= o) for o in others):
                return one
        return form

    def decided(self, guard: Any) -> bool | None:
        """Return whether a relation holds in all of the ranges, or in none; None if neither."""
        if guard in {sympy.true, sympy.false}:
            return bool(guard)
        if isinstance(guard, sympy.Or | sympy.And):
            return self._junction(guard)
        if not isinstance(guard, sympy.Rel):
            return None
        least, most = self._range(sympy.expand(guard.lhs - guard.rhs))
        return _answer(guard, least, most)

    def _junction(self, guard: sympy.Or | sympy.And) -> bool | None:
        answers = {self.decided(argument) for argument in guard.args}
        decisive = isinstance(guard, sympy.Or)
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive

    def _range(self, form: sympy.Expr) -> tuple[sympy.Expr | None, sympy.Expr | None]:
        """Return bounds of a polynomial in symbols; None where it has none that is easy to see."""
        names = sorted(form.free_symbols, key=str)
        if not names:
            return form, form
        if not form.is_polynomial(*names):
            return None, None
        least: list[sympy.Expr] = []
        most: list[sympy.Expr] = []
        for ends in self._ends(names):
            moved = sympy.Poly(form.subs(ends, simultaneous=True), *names)
            constant = moved.coeff_monomial(1)
            others = [n for powers, n in moved.terms() if any(powers)]
            least += [constant] if all(n >= 0 for n in others) else []
            most += [constant] if all(n <= 0 for n in others) else []
        return max(least, default=None), min(most, default=None)

    def _ends(self, names: list[sympy.Symbol]) -> Iterator[Mapping[sympy.Symbol, sympy.Expr]]:
        """Yield substitutions after which each symbol counts up from 0: from its ends."""
        lows = {name: self._least(name) + name for name in names}
        yield lows
        highs = {name: self.high[name] - name for name in names if name in self.high}
        if highs:
            yield {**lows, **highs}

    def _least(self, name: sympy.Symbol) -> int:
        if name in self.chunks.numbers:
            size, chunk = self.chunks.numbers[name]
            least = int(sympy.ceiling(sympy.Integer(self._least(size)) / chunk))
        else:
            least = 1 if name == STEP else LEAST
        return max(least, self.low.get(name, least))

    def is_bound(self, guard: sympy.Basic) -> bool:
        """Return whether a relation is a bound of one symbol, which `bounds` tells."""
        return _bound(guard) is not None and STEP not in guard.free_symbols

    def learn(self, guard: sympy.Basic) -> None:
        """Note the bound that a relation is, if it is one: of a size, or of its chunks."""
        found = _bound(guard)
        if found is None or STEP in guard.free_symbols:
            if isinstance(guard, sympy.Unequality):
                self._learn_of_unequal(guard)
            return
        name, low, high = found
        if name in self.chunks.numbers:
            size, chunk = self.chunks.numbers[name]
            low = None if low is None else int((low - 1) * chunk + 1)
            high = None if high is None else int(high * chunk)
            name = size
        self._note(name, low, high)

    def _learn_of_unequal(self, guard: sympy.Unequality) -> None:
        """Note that a number of chunks is larger than its least value, if it is not that."""
        for name, (size, chunk) in self.chunks.numbers.items():
            if guard.free_symbols == {name}:
                least = self._least(name)
                if guard.subs(name, least) == sympy.false:
                    self._note(size, int(least * chunk + 1), None)

    def _note(self, name: sympy.Symbol, low: int | None, high: int | None) -> None:
        if low is not None and low > self._least(name):
            self.low[name] = low
        if high is not None and high < self.high.get(name, high + 1):
            self.high[name] = high

    def bounds(self, given: Iterable[sympy.Basic]) -> Iterator[sympy.Basic]:
        """Yield the bounds, as they were given if they were."""
        as_given: dict[Any, sympy.Basic] = {}
        for guard in given:
            found = _bound(guard)
            if found is not None and isinstance(guard, sympy.Rel) and guard.lhs == found[0]:
                as_given.setdefault(found, guard)
        for name in sorted({*self.low, *self.high}, key=str):
            low, high = self.low.get(name), self.high.get(name)
            if low is not None:
                yield as_given.get((name, low, None), name > low - 1)
            if high is not None:
                yield as_given.get((name, None, high), name <= high)


def _answer(guard: sympy.Rel, least: sympy.Expr | None, most: sympy.Expr | None) -> bool | None:
    """Return whether a form of this range has this relation to 0; None if it depends."""
    above, below = least is not None and least > 0, most is not None and most < 0
    not_below, not_above = least is not None and least >= 0, most is not None and most <= 0
    truths = {
        sympy.StrictGreaterThan: (above, not_above),
        sympy.GreaterThan: (not_below, below),
        sympy.StrictLessThan: (below, not_below),
        sympy.LessThan: (not_above, above),
        sympy.Equality: (not_below and not_above, above or below),
        sympy.Unequality: (above or below, not_below and not_above),
    }
    true, false = truths[type(guard)]
    return True if true else False if false else None


def _bound(guard: sympy.Basic) -> tuple[sympy.Symbol, int | None, int | None] | None:
    """Return the symbol that a relation bounds, and the least or the most that it may be."""
    ordered = isinstance(
        guard,
        sympy.StrictLessThan | sympy.LessThan | sympy.StrictGreaterThan | sympy.GreaterThan,
    )
    if not ordered or len(guard.free_symbols) != 1:
        return None
    (name,) = guard.free_symbols
    form = sympy.expand(guard.lhs - guard.rhs)
    if not form.is_polynomial(name) or sympy.degree(form, name) != 1:
        return None
    slope, rest = form.coeff(name, 1), form.coeff(name, 0)
    root = -rest / slope
    strict = isinstance(guard, sympy.StrictLessThan | sympy.StrictGreaterThan)
    upward = isinstance(guard, sympy.StrictGreaterThan | sympy.GreaterThan) == (slope > 0)
    if upward:
        return name, int(sympy.floor(root)) + 1 if strict else int(sympy.ceiling(root)), None
    return name, None, int(sympy.ceiling(root)) - 1 if strict else int(sympy.floor(root))
