"""Find a law of a size that the program cuts into chunks, from exact values.

With chunks of m, c = ceiling(x / m) of them are padded or the last is shorter: the counts are
polynomials in x and c together. Values on one line of points for each c determine them (Chung and
Yao, On lattices admitting unique Lagrange interpolations, SIAM J. Numer. Anal. 14, 1977): degree d
needs d + 1 points where c = 1, d where c = 2, and so on.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy

from flopbench.errors import CountError
from flopbench.laws.interpolation import Forms, Interpolated, Key, gives

MAX_DEGREE = 3
"""Attention is quadratic in a length, and so are the borders of chunks in their number."""

THRESHOLD = 8
"""Below this size a program may pad, to the length of a convolution say, and count as more."""


def interpolate_in_chunks(
    x: sympy.Symbol, chunk: int, value: Callable[[int], Forms], *, high: int
) -> Interpolated:
    """Find the polynomials in ``x`` and ceiling(x / chunk) that give ``value(x)`` for each key.

    They are found from sizes of `THRESHOLD` and more: smaller ones may count differently.

    Args:
        value: returns the exact values at a point; a missing key counts as 0.
        high: a point of realistic size; the confirming points lie around and beyond it.

    Raises:
        CountError: no polynomials of degree 3 or less fit.
    """
    seen: dict[int, Forms] = {}

    def at(point: int) -> Forms:
        if point not in seen:
            seen[point] = value(point)
        return seen[point]

    for degree in range(1, min(MAX_DEGREE, chunk - 1) + 1):
        used = _points(chunk, degree)
        forms = _solved(x, chunk, used, [at(point) for point in used], degree)
        beyond = used[-1] + chunk  # the first of a chunk that no point was in
        far = max(high, beyond + chunk)
        confirmed = (beyond, far, 2 * far + 1)
        if all(gives(forms, x, point, at(point)) for point in confirmed):
            return Interpolated(forms, degree, used, confirmed)
    raise CountError(
        f"the counts at {x} = {', '.join(map(str, sorted(seen)))} lie on no polynomial in {x} and "
        f"the number of chunks of {chunk} of degree {MAX_DEGREE} or less"
    )


def _points(chunk: int, degree: int) -> tuple[int, ...]:
    """Return the last points of a first chunk, and the first ones of those after it."""
    end = -(-(THRESHOLD + degree) // chunk) * chunk
    more = (end + c * chunk + 1 + i for c in range(degree) for i in range(degree - c))
    return (*range(end - degree, end + 1), *more)


def _solved(
    x: sympy.Symbol, chunk: int, points: tuple[int, ...], values: list[Forms], degree: int
) -> Forms:
    """Return the polynomials through the values."""
    count = sympy.ceiling(x / chunk)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    rows = [[p**i * (-(-p // chunk)) ** j for i, j in powers] for p in points]
    inverse = sympy.Matrix(rows).inv()
    monomials = [x**i * count**j for i, j in powers]

    def through(key: Key) -> sympy.Expr:
        given = sympy.Matrix([each.get(key, 0) for each in values])
        return sympy.expand(sum(c * m for c, m in zip(inverse * given, monomials, strict=True)))

    return {key: through(key) for key in dict.fromkeys(key for each in values for key in each)}
