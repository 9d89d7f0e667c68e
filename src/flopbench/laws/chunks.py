"""Forms and relations about sizes that are padded to chunks, in the number of chunks, and back.

What a program pads S to, for chunks of m, is S + Mod(-S, m) in a trace: m ceiling(S/m).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy
from attrs import define, field


@define(eq=False)
class Chunks:
    """Numbers of chunks, each a symbol of its own.

    Attributes:
        is_positive: whether a form is above 0 for all sizes.
        numbers: what each symbol stands for, as (size, elements of a chunk).
    """

    is_positive: Callable[[sympy.Expr], bool | None]
    numbers: dict[sympy.Symbol, tuple[sympy.Symbol, sympy.Integer]] = field(factory=dict)

    def inward(self, guard: sympy.Basic) -> Any:
        """Write a form or relation in numbers of chunks."""
        kinds = (sympy.Mod, sympy.floor, sympy.ceiling)
        return guard.replace(lambda e: isinstance(e, kinds), self._in_chunks)

    def _in_chunks(self, form: sympy.Expr) -> sympy.Expr:
        if isinstance(form, sympy.Mod):
            return self._padding(*form.args)
        inside = self.divided(form.args[0])
        numerator, chunk = sympy.fraction(sympy.together(inside))
        numerator = sympy.expand(numerator)
        up = isinstance(form, sympy.ceiling)
        # floor((S + m - 1) / m) is ceiling(S/m), for a whole S, and floor(-S/m) is minus that.
        size = numerator if up else numerator - chunk + 1
        if chunk.is_Integer and size.is_Symbol:
            return self._chunks(size, chunk)
        if chunk.is_Integer and not up and (-numerator).is_Symbol:
            return -self._chunks(-numerator, chunk)
        return form.func(inside)

    def _padding(self, size: sympy.Expr, chunk: sympy.Expr) -> sympy.Expr:
        """Return Mod(-S, m) as m ceiling(S/m) - S; a multiple of m makes no difference to it."""
        slope, name = sympy.expand(size).as_coeff_Mul()
        if name.is_Symbol and chunk.is_Integer and chunk > 0 and (slope + 1) % chunk == 0:
            return chunk * self._chunks(name, chunk) - name
        return self.remainder(size, chunk)

    def _chunks(self, size: sympy.Symbol, chunk: sympy.Integer) -> sympy.Expr:
        for symbol, of in self.numbers.items():
            if of == (size, chunk):
                return symbol
        low = {"positive": True} if size.is_positive else {"nonnegative": True}
        symbol = sympy.Dummy("chunks", integer=True, **low)
        self.numbers[symbol] = (size, chunk)
        return symbol

    def outward(self, guard: sympy.Basic) -> sympy.Basic:
        """Write a relation in sizes again."""
        for symbol, (size, chunk) in self.numbers.items():
            padding = self._about_padding(guard, symbol, size, chunk)
            if padding is not None:
                return padding
        return self.in_sizes(guard)

    def in_sizes(self, form: sympy.Basic) -> Any:
        """Return a form or relation with ceiling(S/m) for each number of chunks."""
        return form.xreplace({s: sympy.ceiling(size / n) for s, (size, n) in self.numbers.items()})

    def _about_padding(
        self, guard: sympy.Basic, symbol: sympy.Symbol, size: sympy.Symbol, chunk: sympy.Integer
    ) -> sympy.Basic | None:
        """Return a relation of m ceiling(S/m) - S, the padding, to 0 as one of Mod(S, m)."""
        if not isinstance(guard, sympy.Rel):
            return None
        form = sympy.expand(guard.lhs - guard.rhs)
        for sign in (1, -1):
            times = sympy.cancel(sign * form / (chunk * symbol - size))
            if not (times.is_Integer and times > 0):
                continue
            relation = guard.func(sign * sympy.Symbol("p", nonnegative=True), 0)
            if relation in {sympy.true, sympy.false}:
                return relation
            whole = isinstance(relation, sympy.Equality | sympy.LessThan | sympy.GreaterThan)
            return (sympy.Eq if whole else sympy.Ne)(sympy.Mod(size, chunk), 0)
        return None

    def divided(self, quotient: sympy.Expr) -> sympy.Expr:
        """Cancel what a quotient has in common, if nothing is divided by 0."""
        divisor = sympy.fraction(sympy.together(quotient))[1]
        return sympy.cancel(quotient) if self.is_positive(divisor) else quotient

    def remainder(self, rest: sympy.Expr, divisor: sympy.Expr) -> sympy.Expr:
        """Return a remainder; 0 of a form that is a multiple for all sizes."""
        if rest.is_integer and self.divided(rest / divisor).is_integer:
            return sympy.Integer(0)
        return sympy.Mod(rest, divisor)
