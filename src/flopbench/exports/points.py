"""Sizes at which exported laws are held against flopbench's own prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from flopbench.dims.forms import STEP
from flopbench.errors import DimError
from flopbench.exports.evaluate import evaluate
from flopbench.exports.laws import Assumption, Refused, Symbol
from flopbench.exports.tree import Tree, number

_SMALL = 1
"""A program may run differently at sizes of 0 and 1: torch and models treat them specially."""

_PRIMES = (11, 7, 13, 5, 17, 3)


def usual(symbols: Iterable[Symbol]) -> list[dict[str, int]]:
    """Return points of two and more: the example, and others near and far."""
    known = list(symbols)
    example = {s.name: max(s.example, s.minimum, _SMALL + 1) for s in known}
    twice = {name: 2 * value + 1 for name, value in example.items()}
    even = {name: 2 * value for name, value in example.items()}
    primes = {s.name: max(p, s.minimum) for s, p in zip(known, _PRIMES * len(known), strict=False)}
    far = {name: 64 * value for name, value in example.items()}
    return _distinct((example, twice, primes, even, far))


def small(symbols: Iterable[Symbol]) -> Iterator[tuple[dict[str, int], list[dict[str, int]]]]:
    """Yield each choice of sizes that are 0 or 1, fewest first, with points that have it."""
    known = list(symbols)
    others = usual(known)[:2]
    choices = [[None, *range(s.minimum, _SMALL + 1)] for s in known]
    every = [
        {s.name: value for s, value in zip(known, chosen, strict=True) if value is not None}
        for chosen in product(*choices)
    ]
    for fixed in sorted(filter(None, every), key=len):
        yield fixed, _distinct({**point, **fixed} for point in others)


def refused(
    symbols: Iterable[Symbol], conditions: Iterable[Assumption], most: int = 4
) -> Iterator[Refused]:
    """Yield sizes that conditions exclude, each with the first one that does."""
    known, conditions = list(symbols), list(conditions)
    if not conditions:
        return
    numbers = {n for each in conditions for n in _numbers(each.condition or [])}
    starts = usual(known)
    seen: set[str] = set()
    for start, symbol in product(starts, known):
        near = {n + d for n in (*numbers, symbol.example, 2) for d in (-1, 0, 1)}
        for value in sorted(n for n in near if n >= symbol.minimum):
            point = {**start, symbol.name: value}
            broken = first_broken(conditions, point)
            if broken is not None and broken not in seen:
                seen.add(broken)
                yield Refused(point, broken)
            if len(seen) == most:
                return


def first_broken(conditions: Iterable[Assumption], sizes: Mapping[str, int]) -> str | None:
    """Return the text of the first condition that sizes break; None if there is none."""
    for each in conditions:
        if each.condition is not None and not _holds(each.condition, sizes):
            return each.text
    return None


def _holds(condition: Tree, sizes: Mapping[str, int]) -> bool:
    try:
        return bool(evaluate(condition, sizes))
    except DimError:  # it divides by 0
        return False


_MOST = 10**6


def _numbers(tree: Tree) -> Iterator[int]:
    if isinstance(tree, str):
        found = number(tree)
        if found is not None and abs(found) <= _MOST and tree != STEP.name:
            yield found
    else:
        for part in tree[1:]:
            yield from _numbers(part)


def _distinct(points: Iterable[dict[str, int]]) -> list[dict[str, int]]:
    return [dict(items) for items in dict.fromkeys(tuple(p.items()) for p in points)]
