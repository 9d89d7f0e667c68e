"""The workload of a plan with another size, and the largest size with which something holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flopbench.errors import UsageError
from flopbench.plan import Plan
from flopbench.plan.structure import structure

MOST = 2**40
"""How many times the first size a size is that nothing limits."""


def with_size(plan: Plan, key: str, size: int) -> Any | None:
    """Return the plan's workload with another value of an input; None if it has no such size.

    Args:
        key: of an input, such as ``batch_size``.
    """
    inputs = plan.config["workload"]
    if type(inputs.get(key)) is not int:
        return None
    try:
        given = structure("workload", {**inputs, key: size}, plan.model.inputs_type)
        return plan.model.workload(given)
    except UsageError:  # other inputs leave this one no choice
        return None


def varies(plan: Plan, key: str) -> bool:
    """Return whether an input of the plan's workload can be 1, and can be 2."""
    return all(with_size(plan, key, size) is not None for size in (1, 2))


def largest(holds: Callable[[int], bool], start: int = 1) -> int | None:
    """Return the largest size with which something holds that holds for all smaller ones.

    Args:
        start: where to begin, at least 1.

    Returns:
        0 if it does not even hold for 1; None if it still holds for `MOST` times ``start``.
    """
    low, high = 0, start
    while holds(high):
        low, high = high, 2 * high
        if high > MOST * start:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
