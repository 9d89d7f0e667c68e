"""Evaluate a tree exactly, on Python's ints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import prod
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from flopbench.errors import DimError
from flopbench.exports.tree import Tree, number


def evaluate(tree: Tree, values: Mapping[str, int]) -> Any:
    """Return the integer that a tree has at values of its symbols, or whether a condition holds.

    Raises:
        DimError: a division leaves a rest, or is one by 0.
    """
    if isinstance(tree, str):
        known = number(tree)
        return values[tree] if known is None else known
    operator, *arguments = tree
    if operator in {"sum", "each"}:
        return _over(operator, arguments, values)
    if operator == "if":
        chosen = arguments[1] if evaluate(arguments[0], values) else arguments[2]
        return evaluate(chosen, values)
    if operator in {"and", "or"}:  # what a size rules out may divide by 0 later
        each = (evaluate(argument, values) for argument in arguments)
        return all(each) if operator == "and" else any(each)
    return _OPERATIONS[operator](*(evaluate(argument, values) for argument in arguments))


def _over(operator: str, arguments: list[Any], values: Mapping[str, int]) -> Any:
    index, low, high, body = arguments
    found = (
        evaluate(body, {**values, index: step})
        for step in range(evaluate(low, values), evaluate(high, values) + 1)
    )
    return sum(found) if operator == "sum" else all(found)


def _floor(a: int, b: int) -> int:
    if b == 0:
        raise DimError(f"{a} is divided by 0")
    return a // b


def _exact(a: int, b: int) -> int:
    if a - b * _floor(a, b):
        raise DimError(f"{a} / {b} is no whole number")
    return a // b


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "+": lambda *terms: sum(terms),
    "*": lambda *factors: prod(factors),
    "^": pow,
    "/": _exact,
    "floor": _floor,
    "ceil": lambda a, b: -_floor(-a, b),
    "mod": lambda a, b: a - b * _floor(a, b),
    "min": lambda *found: reduce(min, found),
    "max": lambda *found: reduce(max, found),
    "not": lambda holds: not holds,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "==": eq,
    "!=": ne,
}
