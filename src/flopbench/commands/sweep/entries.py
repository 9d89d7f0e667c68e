"""Counts as a journal keeps them: one by one, or those of a law as one entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.commands.sweep.law_groups import GroupLaw
from flopbench.commands.sweep.plan import SweepPlan
from flopbench.commands.sweep.units import Counts, Unit, UnitCount, given_by
from flopbench.errors import CountError
from flopbench.laws.stored import restored, stored
from flopbench.vendor.method import Method


def entries_of(found: Counts) -> dict[str, Any]:
    """Return the data of counts that were made at once, by name."""
    each, given = dict(found.by_unit), list[Unit]()
    data: dict[str, Any] = {}
    if found.law:
        given = [unit for unit, counted in each.items() if counted.method is Method.SYMBOLIC]
        try:
            forms = {name: stored(form) for name, form in found.law.forms.items()}
        except TypeError:  # it holds something that is not stored
            given = []
    if given:
        stage, firsts = given[0].stage, [unit.points[0] for unit in given]
        data[f"{given[0].name}+{len(given)}"] = {
            "stage": stage,
            "firsts": [*_runs(firsts)],
            "forms": forms,
        }
    for unit in given:
        del each[unit]
    return data | {unit.name: entry_of(counted) for unit, counted in each.items()}


def known(
    plan: SweepPlan, todo: Sequence[Unit], entries: Mapping[str, Any]
) -> dict[Unit, UnitCount]:
    """Return the counts that a journal has, of those to be made; a failed one is made again."""
    by_name = {unit.name: unit for unit in todo}
    counts: dict[Unit, UnitCount] = {}
    for entry in entries.values():
        if "forms" in entry and sum(count for _, _, count in entry["firsts"]) <= len(todo):
            names = [f"{entry['stage']}/{first}" for first in _unpacked(entry["firsts"])]
            units = tuple(by_name[name] for name in names if name in by_name)
            law = GroupLaw({name: restored(data) for name, data in entry["forms"].items()})
            try:
                counts |= given_by(plan, law, units)
            except CountError:
                continue
    found = {unit: count_of(entries.get(unit.name)) for unit in todo}
    return counts | {unit: counted for unit, counted in found.items() if counted}


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (start, step, count) of runs of evenly spaced numbers."""
    start = 0
    while start < len(numbers):
        step = numbers[start + 1] - numbers[start] if start + 1 < len(numbers) else 1
        stop = start + 1
        while stop < len(numbers) and numbers[stop] - numbers[stop - 1] == step:
            stop += 1
        yield numbers[start], step, stop - start
        start = stop


def _unpacked(runs: Sequence[Sequence[int]]) -> Iterator[int]:
    for start, step, count in runs:
        yield from (start + step * number for number in range(count))


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
    if entry is None or entry.get("flops") is None:
        return None
    return UnitCount(entry["flops"], Method(entry["method"]), own_ops=tuple(entry["own_ops"]))


def is_entry(data: Any) -> bool:
    """Return whether data have the form that `entries_of` gives."""
    return _is_count(data) or _is_law(data)


def _is_law(data: Any) -> bool:
    if not isinstance(data, dict) or data.keys() != {"stage", "firsts", "forms"}:
        return False
    runs, forms = data["firsts"], data["forms"]
    three = isinstance(runs, list) and all(isinstance(r, list) and len(r) == 3 for r in runs)  # noqa: PLR2004
    if not (three and all(type(number) is int for run in runs for number in run)):
        return False
    try:
        return isinstance(data["stage"], str) and all(
            restored(f) is not None for f in forms.values()
        )
    except (TypeError, ValueError, AttributeError, RecursionError):
        return False


def _is_count(data: Any) -> bool:
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
