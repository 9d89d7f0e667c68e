"""Closed forms as trees of a few kinds of node, which any language can evaluate exactly.

A tree is what JSON holds: a text is an integer (``"128"``) or a symbol (``"S"``), and a list is an
operator with its arguments, such as ``["+", ["*", "128", "S"], "7"]``. `OPERATORS` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from math import lcm
from typing import Any, Final

import sympy

Tree = str | list[Any]

OPERATORS: Final[Mapping[str, str]] = {
    "+": "the sum of its arguments",
    "*": "the product of its arguments",
    "^": "a power, whose exponent is a whole number",
    "/": "a division that leaves no rest; where it leaves one, there is no value",
    "floor": "a quotient, rounded down",
    "ceil": "a quotient, rounded up",
    "mod": "the rest of a division, with the sign of the divisor",
    "min": "the smallest of its arguments",
    "max": "the largest of its arguments",
    "if": "a condition, the value where it holds, and the value where it does not",
    "sum": "the name of an index, its first and last value, and what is summed",
    "each": "the name of an index, its first and last value, and a condition that holds at each",
    "<": "less",
    "<=": "at most",
    ">": "more",
    ">=": "at least",
    "==": "equal",
    "!=": "unequal",
    "and": "all conditions",
    "or": "any condition",
    "not": "the opposite of a condition",
}
"""Each operator and what it means. `true` is ``["and"]`` and `false` is ``["or"]``."""

TRUE: Final[Tree] = ["and"]
FALSE: Final[Tree] = ["or"]


class InexpressibleError(ValueError):
    """A form has a part that no tree has; the message says which, in a sentence's words."""


Part = tuple[Tree, Tree]
"""An exact fraction: numerator and denominator."""

_ONE: Final = "1"


def number(tree: Tree) -> int | None:
    """Return the integer that a tree is, or None."""
    return int(tree) if isinstance(tree, str) and tree.lstrip("-").isdigit() else None


def of(form: Any) -> Tree:
    """Return the tree of a closed form: an int, or an expression in symbols of whole numbers.

    Raises:
        InexpressibleError: the form has a real number, or a function that no tree has.
    """
    return whole(_fraction(_shortest(sympy.sympify(form))))


def largest(forms: Iterable[Any]) -> Tree:
    """Return the tree of the largest of forms, without those that another one always covers.

    SymPy's own ``Max`` compares each pair, which takes minutes for some forms.
    """
    distinct = list(dict.fromkeys(sympy.expand(sympy.sympify(form)) for form in forms))
    symbols = sorted({s for form in distinct for s in form.free_symbols}, key=str)
    polynomials = [_beyond(form, symbols) for form in distinct]
    kept = [
        form
        for i, (form, one) in enumerate(zip(distinct, polynomials, strict=True))
        if not any(
            _covers(other, one, first=j < i) for j, other in enumerate(polynomials) if j != i
        )
    ]
    trees = [of(form) for form in kept]
    return trees[0] if len(trees) == 1 else ["max", *trees] if trees else "0"


_Polynomial = dict[tuple[int, ...], Any]
"""The coefficient of each power of the sizes, each less its least value."""


def _beyond(form: sympy.Expr, symbols: list[sympy.Symbol]) -> _Polynomial | None:
    """Return a form as a polynomial in what sizes have beyond their least; None if it is none."""
    if not form.is_polynomial(*symbols):
        return None
    moved = form.subs({s: s + 1 for s in symbols if s.is_positive}, simultaneous=True)
    return dict(sympy.Poly(moved, *symbols).as_dict()) if symbols else {(): moved}


def _covers(one: _Polynomial | None, other: _Polynomial | None, *, first: bool) -> bool:
    """Return whether the first is at least the second everywhere, by its coefficients.

    Args:
        first: whether it comes first, so that of two equal ones the other is left out.
    """
    if one is None or other is None:
        return False
    differences = [one.get(power, 0) - other.get(power, 0) for power in {**one, **other}]
    return all(value >= 0 for value in differences) and (first or any(differences))


def condition(relation: Any) -> Tree:
    """Return the tree of a relation of closed forms, or of relations joined by and, or and not.

    Raises:
        InexpressibleError: it is of another kind.
    """
    if relation in {sympy.true, sympy.false, True, False}:
        return TRUE if relation else FALSE
    for kind, operator in ((sympy.And, "and"), (sympy.Or, "or"), (sympy.Not, "not")):
        if isinstance(relation, kind):
            return [operator, *map(condition, sorted(relation.args, key=str))]
    operator = _RELATIONS.get(type(relation), "")
    if not operator:
        raise InexpressibleError(f"{relation} is no relation of whole numbers")
    (a, b), (c, d) = _fraction(relation.lhs), _fraction(relation.rhs)
    if any(number(tree) is None for tree in (b, d)):
        raise InexpressibleError(f"{relation} divides by a size")
    return [operator, times(a, d), times(c, b)]


_RELATIONS: Final = {
    sympy.StrictLessThan: "<",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.GreaterThan: ">=",
    sympy.Equality: "==",
    sympy.Unequality: "!=",
}

_MOST_TO_EXPAND = 400


def _shortest(form: sympy.Expr) -> sympy.Expr:
    """Return a form expanded, or as it is if that is shorter."""
    symbols = form.free_symbols
    if form.is_polynomial(*symbols):
        return sympy.expand(form)
    before = form.count_ops()
    if before > _MOST_TO_EXPAND:
        return form
    expanded = sympy.expand(form)
    return expanded if expanded.count_ops() <= before else form


def whole(fraction: Part) -> Tree:
    """Return a fraction that is a whole number as a tree."""
    numerator, denominator = fraction
    return numerator if denominator == _ONE else ["/", numerator, denominator]


def plus(*trees: Tree) -> Tree:
    """Return a sum, with its numbers added up and sums in it joined."""
    flat = [t for tree in trees for t in (tree[1:] if _is(tree, "+") else (tree,))]
    constant = sum(n for n in map(number, flat) if n is not None)
    rest = [tree for tree in flat if number(tree) is None]
    terms = [*rest, str(constant)] if constant or not rest else rest
    return terms[0] if len(terms) == 1 else ["+", *terms]


def times(*trees: Tree) -> Tree:
    """Return a product, with its numbers multiplied and products in it joined."""
    flat = [t for tree in trees for t in (tree[1:] if _is(tree, "*") else (tree,))]
    constant = reduce(lambda a, b: a * b, (n for n in map(number, flat) if n is not None), 1)
    rest = [tree for tree in flat if number(tree) is None]
    if not constant or not rest:
        return str(constant)
    factors = rest if constant == 1 else [str(constant), *rest]
    return factors[0] if len(factors) == 1 else ["*", *factors]


def _is(tree: Tree, operator: str) -> bool:
    return isinstance(tree, list) and tree[0] == operator


def _fraction(form: sympy.Expr) -> Part:
    """Return a form as a fraction, as `flopbench.dims.forms.evaluate` evaluates it."""
    if form.is_Rational:
        return str(form.p), str(form.q)
    if form.is_Symbol:
        return form.name, _ONE
    if form.is_Add:
        return reduce(_added, map(_fraction, form.as_ordered_terms()))
    if form.is_Mul:
        return reduce(_multiplied, map(_fraction, form.as_ordered_factors()))
    if form.is_Pow:
        return _power(form)
    return _function(form), _ONE


def _added(a: Part, b: Part) -> Part:
    p, q = number(a[1]), number(b[1])
    if p is None or q is None:
        return plus(times(a[0], b[1]), times(b[0], a[1])), times(a[1], b[1])
    common = lcm(p, q)
    return plus(times(a[0], str(common // p)), times(b[0], str(common // q))), str(common)


def _multiplied(a: Part, b: Part) -> Part:
    return times(a[0], b[0]), times(a[1], b[1])


def _power(form: sympy.Expr) -> Part:
    if not form.exp.is_Integer:
        raise InexpressibleError("it is an expected value, which need not be whole")
    above, below = _fraction(form.base)
    exponent = abs(int(form.exp))
    raised = _raised(above, exponent), _raised(below, exponent)
    return raised if form.exp > 0 else raised[::-1]


def _raised(tree: Tree, exponent: int) -> Tree:
    base = number(tree)
    if base is not None:
        return str(base**exponent)
    return tree if exponent == 1 else ["^", tree, str(exponent)]


def _function(form: Any) -> Tree:
    for kind, operator in ((sympy.floor, "floor"), (sympy.ceiling, "ceil")):
        if isinstance(form, kind):
            return [operator, *_fraction(_shortest(form.args[0]))]
    for kind, operator in ((sympy.Mod, "mod"), (sympy.Min, "min"), (sympy.Max, "max")):
        if isinstance(form, kind):
            arguments = form.args if operator == "mod" else sorted(form.args, key=str)
            return [operator, *map(of, arguments)]
    if isinstance(form, sympy.Piecewise):
        return _cases(form)
    if isinstance(form, sympy.Sum) and len(form.limits) == 1:
        index, low, high = form.limits[0]
        return ["sum", index.name, of(low), of(high), of(form.function)]
    if form.is_Number:
        raise InexpressibleError("it has a real number, which need not be whole")
    raise InexpressibleError(f"it has {form.func.__name__}, which no exported law has")


def _cases(form: sympy.Piecewise) -> Tree:
    value: Tree | None = None
    for then, where in reversed(form.args):
        if value is None:
            if where != sympy.true:
                raise InexpressibleError("it has cases that do not cover all sizes")
            value = of(then)
        else:
            value = ["if", condition(where), of(then), value]
    if value is None:
        raise InexpressibleError("it has no cases")
    return value


def symbols(tree: Tree) -> set[str]:
    """Return the names of the symbols of a tree; indices of its sums are none."""
    if isinstance(tree, str):
        return set() if number(tree) is not None else {tree}
    if tree[0] in {"sum", "each"}:
        _, index, low, high, body = tree
        return symbols(low) | symbols(high) | (symbols(body) - {index})
    return set().union(*map(symbols, tree[1:]))


def renamed(tree: Tree, names: Mapping[str, str]) -> Tree:
    """Return a tree with other names of symbols."""
    if isinstance(tree, str):
        return names.get(tree, tree)
    return [tree[0], *(renamed(part, names) for part in tree[1:])]
