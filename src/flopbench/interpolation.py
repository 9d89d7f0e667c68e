"""Find a polynomial from exact values, and confirm it where it was not made from them.

Newton's forward differences (Knuth, The Art of Computer Programming, vol. 1, 1.2.6): values
at m, m+1, … determine f(x) = Σ_j Δ^j f(m) · C(x - m, j). The values may be polynomials in
other symbols themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy
from attrs import frozen

from flopbench.errors import CountError

Key = tuple[str, str]
"""Module and op."""

Forms = Mapping[Key, sympy.Expr]

MAX_DEGREE = 4
"""Attention is quadratic in a length; nothing known in this field goes beyond."""


@frozen
class Interpolated:
    """Polynomials in one symbol, for each key.

    Attributes:
        degree: the highest of any.
        used: points that the polynomials were made of.
        confirmed: points where they were then right.
    """

    forms: Forms
    degree: int
    used: tuple[int, ...]
    confirmed: tuple[int, ...]


def interpolate(
    x: sympy.Symbol, value: Callable[[int], Forms], *, low: int, high: int
) -> Interpolated:
    """Find the polynomials in ``x`` that give ``value(x)`` for each key.

    Args:
        value: exact values at a point; a key that is missing there is 0.
        low: the first point.
        high: a point of the size that matters: the confirming points lie around and beyond.

    Raises:
        CountError: no polynomial of degree 4 or less does.
    """
    values: list[Forms] = []
    for degree in range(MAX_DEGREE + 1):
        while len(values) <= degree + 1:
            values.append(value(low + len(values)))
        if not any(_differences(values, degree + 1).values()):
            break
    else:
        raise CountError(
            f"the counts at {x} = {low}..{low + MAX_DEGREE + 1} lie on no polynomial of degree "
            f"{MAX_DEGREE} or less"
        )
    used = tuple(range(low, low + degree + 1))
    forms = _newton(x, low, values, degree)
    # The point that showed the degree is one to confirm; the far ones find steps and stairs.
    far = max(high, used[-1] + 2)
    confirmed = (used[-1] + 1, far, 2 * far + 1)
    for point in confirmed:
        found = value(point)
        for key in dict.fromkeys((*forms, *found)):
            expected = sympy.sympify(forms.get(key, 0)).subs(x, point)
            if sympy.expand(expected - found.get(key, 0)) != 0:
                raise CountError(
                    f"the counts at {x} = {', '.join(map(str, used))} lie on a polynomial of "
                    f"degree {degree}, but at {x} = {point} {key} is {found.get(key, 0)}, "
                    f"not {expected}"
                )
    return Interpolated(forms, degree, used, confirmed)


def _newton(x: sympy.Symbol, low: int, values: list[Forms], degree: int) -> Forms:
    forms: dict[Key, sympy.Expr] = {}
    basis = sympy.Integer(1)
    for order in range(degree + 1):
        for key, difference in _differences(values, order).items():
            forms[key] = forms.get(key, 0) + difference * basis
        basis = basis * (x - low - order) / (order + 1)
    return {key: sympy.expand(form) for key, form in forms.items()}


def _differences(values: list[Forms], order: int) -> dict[Key, sympy.Expr]:
    """Return Δ^order at the first point, for each key."""
    totals: dict[Key, sympy.Expr] = {}
    for i, forms in enumerate(values[: order + 1]):
        weight = (-1) ** (order - i) * sympy.binomial(order, i)
        for key, form in forms.items():
            totals[key] = totals.get(key, 0) + weight * form
    return {key: sympy.expand(total) for key, total in totals.items()}
