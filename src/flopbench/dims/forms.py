"""Closed forms: sum them over decode steps, and evaluate them exactly on ints and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from math import lcm
from typing import Any

import sympy

from flopbench.dims import Dim
from flopbench.dims.dim import maximum, minimum
from flopbench.errors import DimError

Fraction = tuple[Dim, Dim]
"""An exact fraction: numerator and denominator."""


def symbol(name: str, low: int = 1) -> sympy.Symbol:
    """Return a symbol for a size whose lowest value is ``low``, which is 0 or more."""
    if low > 0:
        return sympy.Symbol(name, integer=True, positive=True)
    return sympy.Symbol(name, integer=True, nonnegative=True)


STEP = symbol("k")
"""The step number, counted from 1."""


def sum_over_steps(form: sympy.Expr, steps: Dim) -> sympy.Expr:
    """Sum a form in `STEP` over the steps 1..steps.

    The sum of a polynomial is a polynomial; any other sum is left unevaluated.
    """
    form = sympy.expand(form)
    if form.is_polynomial(STEP):
        return sympy.expand(sympy.summation(form, (STEP, 1, steps)))
    return sympy.Sum(form, (STEP, 1, steps))


def evaluate(form: Any, values: Mapping[str, Dim]) -> Dim:
    """Evaluate a closed form exactly, on ints or integer arrays.

    Args:
        form: may contain + * powers, floor, ceiling, Mod, Min, Max and finite sums.
        values: by name, for each free symbol of ``form``.

    Raises:
        DimError: a symbol has no value, a result is not an integer or overflows int64 in an
            array, or ``form`` contains another function.
    """
    form = sympy.sympify(form)
    missing = sorted(s.name for s in form.free_symbols if s.name not in values)
    if missing:
        raise DimError(f"the closed form {form} needs a value for {', '.join(missing)}")
    numerator, denominator = _value(form, {name: _dim(value) for name, value in values.items()})
    return _divided(numerator, denominator, form)


def _dim(value: Dim) -> Dim:
    from flopbench.dims.dim import as_dim

    return as_dim(value)


def _value(form: sympy.Expr, values: Mapping[str, Dim]) -> Fraction:
    """Evaluate a form as an exact fraction."""
    if form.is_Rational:
        return int(form.p), int(form.q)
    if form.is_Symbol:
        return values[form.name], 1
    if isinstance(form, sympy.Sum):
        return _finite_sum(form, values)
    arguments = [_value(argument, values) for argument in form.args]
    if form.is_Add:
        return reduce(_added, arguments)
    if form.is_Pow and form.exp.is_Integer:
        p, q = arguments[0]
        arguments = [(q, p) if form.exp < 0 else (p, q)] * abs(int(form.exp))
    if form.is_Mul or form.is_Pow:
        return reduce(lambda a, b: (a[0] * b[0], a[1] * b[1]), arguments)
    return _function(form, arguments), 1


def _added(a: Fraction, b: Fraction) -> Fraction:
    if isinstance(a[1], int) and isinstance(b[1], int):
        common = lcm(a[1], b[1])
        return a[0] * (common // a[1]) + b[0] * (common // b[1]), common
    return a[0] * b[1] + b[0] * a[1], a[1] * b[1]


def _function(form: sympy.Expr, arguments: list[Fraction]) -> Dim:
    if not arguments:
        raise DimError(f"a closed form must not contain {form}")
    p, q = arguments[0]
    if isinstance(form, sympy.floor):
        return p // q
    if isinstance(form, sympy.ceiling):
        return -(-p // q)
    whole = [_divided(p, q, form) for p, q in arguments]
    if isinstance(form, sympy.Mod):
        return whole[0] % whole[1]
    if isinstance(form, sympy.Min):
        return reduce(minimum, whole)
    if isinstance(form, sympy.Max):
        return reduce(maximum, whole)
    raise DimError(f"a closed form must not contain {form.func.__name__}: {form}")


def _finite_sum(form: sympy.Sum, values: Mapping[str, Dim]) -> Fraction:
    (index, low, high), *others = form.limits
    first, last = (evaluate(bound, values) for bound in (low, high))
    if others or not (isinstance(first, int) and isinstance(last, int)):
        raise DimError(f"a sum must have one index with integer bounds: {form}")
    terms = (evaluate(form.function, {**values, index.name: i}) for i in range(first, last + 1))
    zero: Fraction = (0, 1)
    return reduce(_added, ((term, 1) for term in terms), zero)


def _divided(numerator: Dim, denominator: Dim, form: sympy.Expr) -> Dim:
    if isinstance(denominator, int) and denominator == 1:
        return numerator
    quotient = numerator // denominator
    rest = quotient * denominator != numerator
    if rest.any() if hasattr(rest, "any") else rest:
        raise DimError(f"{form} is not a whole number at these values")
    return quotient


def terms(form: sympy.Expr) -> dict[sympy.Expr, sympy.Expr]:
    """Return the coefficients of a form, keyed by the terms that they multiply."""
    found: dict[sympy.Expr, sympy.Expr] = sympy.expand(form).as_coefficients_dict()
    return {term: coefficient for term, coefficient in found.items() if coefficient}
