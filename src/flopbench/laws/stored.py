"""Closed forms as plain data: what a journal keeps of a law, and reads without running it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy

from flopbench.dims.forms import symbol

_KINDS: dict[str, Callable[..., sympy.Expr]] = {
    kind.__name__: kind
    for kind in (
        *(sympy.Add, sympy.Mul, sympy.Pow, sympy.Mod, sympy.Min, sympy.Max),
        *(sympy.floor, sympy.ceiling),
    )
}
"""What `flopbench.dims.forms.evaluate` knows, but for sums."""

_SUM = "Sum"


def stored(form: sympy.Expr) -> Any:
    """Return a closed form as numbers, names of sizes, and lists: a kind and its arguments.

    Raises:
        TypeError: it holds anything that cannot be evaluated.
    """
    if form.is_Integer:
        return int(form)
    if form.is_Rational:
        return ["/", int(form.p), int(form.q)]
    if form.is_Symbol:
        return form.name
    if isinstance(form, sympy.Sum):
        ((index, low, high),) = form.limits
        return [_SUM, stored(form.function), index.name, stored(low), stored(high)]
    name = form.func.__name__
    if name not in _KINDS:
        raise TypeError(f"a closed form must not contain {name}")
    return [name, *map(stored, form.args)]


def restored(data: Any) -> sympy.Expr:
    """Return the closed form that `stored` gave.

    Raises:
        TypeError: the data have another form.
    """
    if type(data) is int:
        return sympy.Integer(data)
    if isinstance(data, str) and data.isidentifier():
        return symbol(data)
    if not isinstance(data, Sequence) or not data or isinstance(data, str):
        raise TypeError(f"{data!r} is no closed form")
    kind, *arguments = data
    if kind == "/" and len(arguments) == 2 and all(type(each) is int for each in arguments):  # noqa: PLR2004 - a fraction
        return sympy.Rational(*arguments)
    found = [*map(restored, arguments)]
    if kind == _SUM and len(found) == 4:  # noqa: PLR2004 - what is summed, over what, from, to
        function, *limits = found
        return sympy.Sum(function, tuple(limits))
    if kind not in _KINDS or not found:
        raise TypeError(f"a closed form must not contain {kind!r}")
    return _KINDS[kind](*found)
