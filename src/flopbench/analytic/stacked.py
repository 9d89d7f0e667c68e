"""Workloads of many points as one: integers in which they differ become arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from flopbench.analytic.columns import concatenated
from flopbench.digests import distinct
from flopbench.dims import is_array
from flopbench.errors import DimError


def arrays(workload: Any) -> dict[str, Any]:
    """Return the fields of a workload that are arrays."""
    names = (field.name for field in attrs.fields(type(workload)))
    values = {name: getattr(workload, name) for name in names}
    return {name: value for name, value in values.items() if is_array(value)}


def length(workload: Any) -> int:
    """Return the number of points of a workload: the length of its arrays, or 1."""
    return max((len(value) for value in arrays(workload).values()), default=1)


def sliced(workload: Any, rows: slice) -> Any:
    """Return the workload of some of the points."""
    return attrs.evolve(workload, **{n: value[rows] for n, value in arrays(workload).items()})


def at_point(workload: Any, row: int) -> Any:
    """Return the workload of one point, whose sizes are plain integers."""
    return attrs.evolve(workload, **{n: int(value[row]) for n, value in arrays(workload).items()})


def stack(workloads: Sequence[Any]) -> list[tuple[list[int], Any]]:
    """Return (indices, one workload with arrays) of each group that differs only in integers."""
    found = stacked([([index], workload) for index, workload in enumerate(workloads)])
    return [([*map(int, indices)], workload) for indices, workload in found]


def stacked(parts: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Join workloads that differ only in integers; see `stack`.

    Args:
        parts: indices of points, and their workload: its integers may be arrays, one per point.

    Returns:
        The same, indices increasing, with plain integers where all points share one.
    """
    groups: dict[Any, list[tuple[Any, Any]]] = {}
    for indices, workload in parts:
        values = ((f.name, getattr(workload, f.name)) for f in attrs.fields(type(workload)))
        key = tuple((n, None if _is_size(v) else _distinct(v)) for n, v in values)
        groups.setdefault(key, []).append((indices, workload))
    return [found for group in groups.values() for found in _joined(group)]


def _is_size(value: Any) -> bool:
    return type(value) is int or is_array(value)


def _distinct(value: Any) -> Any:
    """Return a key that equal values share: `distinct`, sooner for what most fields hold."""
    return (type(value), value) if value is None or type(value) in (bool, str) else distinct(value)


def _joined(parts: Sequence[tuple[Any, Any]]) -> Sequence[tuple[Any, Any]]:
    """Join parts; leave them apart if a size does not fit an array."""
    import numpy as np

    if len(parts) == 1:
        return parts
    counts = [len(indices) for indices, _ in parts]
    whole = np.concatenate([np.asarray(indices) for indices, _ in parts])
    order = np.argsort(whole, kind="stable")
    first = parts[0][1]
    changes: dict[str, Any] = {}
    for field in attrs.fields(type(first)):
        values = [getattr(workload, field.name) for _, workload in parts]
        if not _is_size(values[0]):
            continue
        column = np.asarray(concatenated(values, counts))
        if column.ndim and (column != column[0]).any():
            changes[field.name] = column[order]
        elif column.ndim:
            changes[field.name] = int(column[0])
    try:
        return [(whole[order], attrs.evolve(first, **changes))]
    except DimError:
        return parts
