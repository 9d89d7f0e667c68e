"""The rows of a sweep's table: one per point, stage and attention mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from flopbench.analytic.columns import Column, concatenated, objects, values_of
from flopbench.commands.sweep.table import Group, Table
from flopbench.dims import is_array

_VENDOR = ("vendor_flops", "vendor_method", "vendor_error", "difference")


def row_columns(report: Mapping[str, Any], point: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a point; or those of many points, each with columns for values."""
    stages = [stage["name"] for stage in report["stages"]]
    facts = {k: v for k, v in point.items() if k not in (*stages, "required")}
    for stage in stages:
        found = point[stage]
        for mode, cost in found["cost"].items():
            numbers = {k: v for k, v in cost.items() if k != "parts_flops"}
            vendor = {k: found[k] for k in _VENDOR}
            if mode not in report["compared"]:
                vendor |= {"difference": None}
            yield {**facts, "stage": stage, "attention": mode, **numbers, **vendor}


def rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row per point, stage and attention mode."""
    for point in report["points"]:
        yield from row_columns(report, point)


def column_names(report: Mapping[str, Any]) -> list[str]:
    """Return the names of all columns, in the order in which rows first have them."""
    points: Table = report["points"]
    first = next(row_columns(report, points[0]))
    return [*dict.fromkeys((*first, *(name for names in points.layouts for name in names)))]


def row_blocks(report: Mapping[str, Any], size: int = 8192) -> Iterator[dict[str, Any]]:
    """Yield all rows by column, those of so many points at a time."""
    points: Table = report["points"]
    names = column_names(report)
    for groups in points.chunks(size):
        each = [_of_group(report, group, names) for group in groups]
        if len(each) == 1:
            yield each[0]
            continue
        counts = [len(block["stage"]) for block in each]
        places = [
            np.repeat(group.indices, count // len(group.indices))
            for group, count in zip(groups, counts, strict=True)
        ]
        order = np.argsort(np.concatenate(places), kind="stable")
        columns = {name: concatenated([block[name] for block in each], counts) for name in names}
        yield {name: column[order] for name, column in columns.items()}


def all_columns(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return all rows by column."""
    blocks = [*row_blocks(report)]
    counts = [len(block["stage"]) for block in blocks]
    names = column_names(report)
    return {name: concatenated([block[name] for block in blocks], counts) for name in names}


def _of_group(report: Mapping[str, Any], group: Group, names: Sequence[str]) -> dict[str, Any]:
    count = len(group.indices)
    found = [*row_columns(report, group.tree)]
    return {name: _interleaved([row.get(name) for row in found], count) for name in names}


def _interleaved(columns: Sequence[Column], count: int) -> Any:
    """Return the first value of each column, then the second of each, and so on."""
    first = columns[0]
    if is_array(first) and all(column is first for column in columns):
        return np.repeat(np.asarray(first), len(columns))
    if not any(map(is_array, columns)):
        return np.tile(objects(columns), count)
    kinds = {np.asarray(column).dtype.kind if is_array(column) else "O" for column in columns}
    if len(kinds) == 1 and "O" not in kinds:
        return np.stack([np.asarray(column) for column in columns], axis=1).ravel()
    each = zip(*(values_of(column, count) for column in columns), strict=True)
    return objects(value for row in each for value in row)
