"""Where the guards of a law hold, of many sizes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from flopbench.dims.forms import STEP, evaluate
from flopbench.errors import DimError
from flopbench.laws.law import Law

_ORDERS = {
    sympy.StrictLessThan: np.less,
    sympy.LessThan: np.less_equal,
    sympy.StrictGreaterThan: np.greater,
    sympy.GreaterThan: np.greater_equal,
    sympy.Equality: np.equal,
}
_RELATIONS = {**_ORDERS, sympy.Unequality: np.not_equal}


def held(law: Law, sizes: Mapping[str, Any], steps: Any) -> Any:
    """Return whether the guards of a law hold, as `Law.holds_at` tells of one place.

    Args:
        sizes: an array of each size.
        steps: their numbers of steps, an array.

    Raises:
        DimError: some guard is no relation that arrays can tell.
    """
    all_hold = np.ones(len(steps), dtype=bool)
    for guard in law.guards:
        all_hold &= _holds(guard, sizes, steps)
    for guard, fixed in law.local:
        here = np.ones(len(steps), dtype=bool)
        for name, value in fixed.items():
            if name != STEP.name:
                here &= np.asarray(sizes[name] == value) if name in sizes else False
        all_hold &= ~here | _holds(guard, sizes, steps)
    return all_hold


def _holds(guard: sympy.Basic, sizes: Mapping[str, Any], steps: Any) -> Any:
    if type(guard) not in _RELATIONS:
        raise DimError(f"{guard} is not told of many sizes at once")
    if STEP not in guard.free_symbols:
        return _told(guard, sizes)
    # What is linear in k and holds at both ends holds in between.
    difference = sympy.expand(guard.lhs - guard.rhs)
    if type(guard) not in _ORDERS or sympy.degree(difference, STEP) != 1:
        raise DimError(f"{guard} is not told of many steps at once")
    ends = (np.ones_like(steps), steps)
    return np.logical_and(*(_told(guard, {**sizes, STEP.name: end}) for end in ends))


def _told(guard: sympy.Basic, sizes: Mapping[str, Any]) -> Any:
    sides = (np.asarray(evaluate(side, sizes)) for side in (guard.lhs, guard.rhs))
    return _RELATIONS[type(guard)](*sides)
