"""Find a polynomial from exact values, and confirm it at points that were not used.

Newton's forward differences (Knuth, The Art of Computer Programming, vol. 1, 1.2.6): values
at m, m+1, … determine f(x) = Σ_j Δ^j f(m) · C(x - m, j). The values may themselves be
polynomials in other symbols.
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
"""Attention is quadratic in a length; no known model exceeds that."""


@frozen
class Interpolated:
    """Polynomials in one symbol, for each key.

    Attributes:
        degree: the highest degree of any polynomial.
        used: points that the polynomials and their degree were found from.
        confirmed: further points at which the polynomials were then correct.
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
        value: returns the exact values at a point; a missing key counts as 0.
        low: the first point.
        high: a point of realistic size; the confirming points lie around and beyond it.

    Raises:
        CountError: no polynomial of degree 4 or less fits.
    """
    seen: dict[int, Forms] = {}

    def at(point: int) -> Forms:
        if point not in seen:
            seen[point] = value(point)
        return seen[point]

    for degree in range(MAX_DEGREE + 1):
        used = tuple(range(low, low + degree + 2))
        values = [at(point) for point in used]
        if any(_differences(values, degree + 1).values()):
            continue
        forms = _newton(x, low, values, degree)
        # The far points reveal steps and staircases.
        far = max(high, used[-1] + 2)
        confirmed = (used[-1] + 1, far, 2 * far + 1)
        if all(gives(forms, x, point, at(point)) for point in confirmed):
            return Interpolated(forms, degree, used, confirmed)
    raise CountError(
        f"the counts at {x} = {', '.join(map(str, sorted(seen)))} lie on no polynomial of degree "
        f"{MAX_DEGREE} or less"
    )


def gives(forms: Forms, x: sympy.Symbol, point: int, found: Forms) -> bool:
    """Return whether the forms give what was found at a point."""
    zero = sympy.Integer(0)
    return all(
        sympy.expand(forms.get(key, zero).subs(x, point) - found.get(key, 0)) == 0
        for key in dict.fromkeys((*forms, *found))
    )


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
