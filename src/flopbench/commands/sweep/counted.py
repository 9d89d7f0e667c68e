"""The vendor's counts at all points of a sweep, in columns, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from flopbench.analytic import Stage
from flopbench.analytic.columns import Column, divided, objects, total, values_of
from flopbench.commands.sweep.units import Unit, UnitCount
from flopbench.plan.targets import TERA
from flopbench.vendor.method import Method

METHODS = {Method.CONCRETE: "call", Method.SYMBOLIC: "law"}
"""How a vendor number was obtained, in the words of ``sweep.json``: by calls, or by any law."""

SAW_NOTHING = "the counter saw no FLOPs at all, which verifies nothing"

Components = Mapping[str, Column]
"""FLOPs by component."""


@frozen(eq=False)
class StageCounts:
    """The counts of a stage that is not composed.

    Attributes:
        unit: the unit of each point.
        flops: of each unit, by component; 0 where it has none, or the count failed.
        error: of each unit, or None if none failed.
        by_law: whether a law gave a unit's count.
    """

    unit: Any
    flops: Components
    error: Any
    by_law: Any

    @classmethod
    def of(cls, count: int, counts: Sequence[tuple[Unit, UnitCount]]) -> StageCounts:
        """Gather the counts of all units of a stage.

        Args:
            count: points of the sweep.
        """
        unit = np.zeros(count, dtype=np.int64)
        for number, (each, _) in enumerate(counts):
            unit[list(each.points)] = number
        found = [counted.by_component or {} for _, counted in counts]
        names = dict.fromkeys(name for by_component in found for name in by_component)
        errors = [counted.error for _, counted in counts]
        return cls(
            unit,
            {name: _whole([each.get(name, 0) for each in found]) for name in names},
            objects(errors) if any(errors) else None,
            np.array([counted.method is Method.SYMBOLIC for _, counted in counts], dtype=bool),
        )


def _whole(values: list[int]) -> Any:
    fits = all(value < 2**63 for value in values)
    return np.array(values, dtype=np.int64) if fits else objects(values)


class Counted:
    """The counts of all points.

    Args:
        count: points of the sweep.
        counts: of all units, in the order of points; empty if there is no vendor.
    """

    def __init__(self, count: int, counts: Mapping[Unit, UnitCount]) -> None:
        by_stage: dict[str, list[tuple[Unit, UnitCount]]] = {}
        for unit, counted in counts.items():
            by_stage.setdefault(unit.stage, []).append((unit, counted))
        self._stages = {stage: StageCounts.of(count, each) for stage, each in by_stage.items()}
        self.own_ops = {op for counted in counts.values() for op in counted.own_ops}

    def at(
        self, stage: Stage, indices: Any, seen: Mapping[str, Components] | None
    ) -> dict[str, Column]:
        """Return what ``sweep.json`` says of the vendor in a stage, at some points.

        Args:
            seen: the FLOPs that the counter should see, by component, in each part of the stage;
                None if the vendor runs none of the attention modes.
        """
        if not self._stages:
            return _told(None, None, None, None, None)
        parts = [self._stages[name] for name in stage.base_names]
        rows = [part.unit[indices] for part in parts]
        counts = [
            {name: column[at] for name, column in part.flops.items()}
            for part, at in zip(parts, rows, strict=True)
        ]
        none = np.zeros(len(indices), dtype=np.int64)
        flops = total([none, *(column for part in counts for column in part.values())])
        error = _errors(parts, rows, flops)
        by_law = np.any([part.by_law[at] for part, at in zip(parts, rows, strict=True)], axis=0)
        difference, differ = (None, None)
        if seen is not None:
            difference, differ = _compared([seen[n] for n in stage.base_names], counts, none)
        method = _method(by_law)
        known = (_known(column, error) for column in (flops, method, difference, differ))
        return _told(error, *known)


def _told(
    error: Column, flops: Column, method: Column, difference: Column, differ: Column
) -> dict[str, Column]:
    return {
        "vendor_tflops": _tera(flops),
        "vendor_flops": flops,
        "vendor_method": method,
        "vendor_error": error,
        "difference": difference,
        "components_differ": differ,
    }


def _tera(flops: Column) -> Column:
    """Divide by 10^12 what is not None."""
    if flops is None or flops.dtype != object:
        return None if flops is None else divided(flops, TERA)
    return objects(None if each is None else each / TERA for each in flops.tolist())


def _errors(parts: Sequence[StageCounts], rows: Sequence[Any], flops: Any) -> Column:
    """Return why there is no count of a stage at each point: that of its first part that failed."""
    nothing = np.asarray(flops == 0, dtype=bool)
    failed = [p.error[at] for p, at in zip(parts, rows, strict=True) if p.error is not None]
    if not failed and not nothing.any():
        return None
    seen = [SAW_NOTHING if each else None for each in nothing.tolist()]
    each = zip(*(column.tolist() for column in failed), seen, strict=True)
    return objects(next(filter(None, errors), None) for errors in each)


def _known(column: Column, error: Column) -> Column:
    """Return a column, with None where there is an error."""
    if error is None or column is None:
        return column
    both = zip(values_of(column, len(error)), error.tolist(), strict=True)
    return objects(None if failed else value for value, failed in both)


def _method(by_law: Any) -> Column:
    words = (METHODS[Method.CONCRETE], METHODS[Method.SYMBOLIC])
    if by_law.all() or not by_law.any():
        return words[bool(by_law[0])]
    return objects(words[each] for each in by_law.tolist())


def _compared(
    seen: Sequence[Components], counted: Sequence[Components], none: Any
) -> tuple[Column, Column]:
    """Compare a stage with its count, component by component, in each of its parts.

    Errors of two components, or of two parts that share one, may cancel in the sum.

    Returns:
        The difference, and the names of components that differ.
    """
    differences: list[tuple[str, Column]] = []
    for ours, theirs in zip(seen, counted, strict=True):
        for name in dict.fromkeys((*ours, *theirs)):
            less = -1 * np.asarray(theirs.get(name, none))
            differences.append((name, total([none, ours.get(name, 0), less])))
    wrong = [(name, d.tolist()) for name, d in differences if np.asarray(d != 0, bool).any()]
    if not wrong:
        return none, []
    names = [name for name, _ in wrong]
    differ = objects(
        list(dict.fromkeys(n for n, each in zip(names, row, strict=True) if each))
        for row in zip(*(each for _, each in wrong), strict=True)
    )
    return total([none, *(column for _, column in differences)]), differ
