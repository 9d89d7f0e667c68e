"""A count as a journal keeps it."""

from __future__ import annotations

from typing import Any

from flopbench.commands.sweep.units import UnitCount
from flopbench.vendor.method import Method


def entry_of(counted: UnitCount) -> dict[str, Any]:
    """Return the data of a count: FLOPs by component, or why it failed."""
    return {
        "flops": counted.by_component,
        "method": counted.method,
        "error": counted.error,
        "own_ops": counted.own_ops,
    }


def count_of(entry: dict[str, Any] | None) -> UnitCount | None:
    """Return the count that data hold; None if it failed, or there are none."""
    if entry is None or entry["flops"] is None:
        return None
    return UnitCount(entry["flops"], Method(entry["method"]), own_ops=tuple(entry["own_ops"]))


def is_entry(data: Any) -> bool:
    """Return whether data have the form that `entry_of` gives."""
    names = ("flops", "method", "error", "own_ops")
    if not isinstance(data, dict) or data.keys() != {*names}:
        return False
    flops, method, error, own = (data[name] for name in names)
    if not (isinstance(own, list) and all(type(op) is str for op in own)):
        return False
    if flops is None:
        return isinstance(error, str) and method is None
    counted = isinstance(flops, dict) and all(type(n) is int and n >= 0 for n in flops.values())
    return counted and error is None and isinstance(method, str) and method in {*Method}
