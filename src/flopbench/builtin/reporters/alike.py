"""What of a report is alike but for numbers in its names, as layers are: said once for all."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from flopbench.report import Comparison, ComponentDifference, UncountedOp
from flopbench.text import plural

T = TypeVar("T")


def differing(comparison: Comparison) -> Iterator[str]:
    """Yield the components that differ, those alike on one line, with their numbers."""
    wrong = (d for d in comparison.components if d.difference)
    for first, names in _groups(wrong, _component, lambda d: (d.vendor_flops, d.analytic_flops)):
        numbers = f"vendor {first.vendor_flops:,}, analytic {first.analytic_flops:,}"
        each = ", each" if len(names) > 1 else ""
        yield f"{_name(names)}: {numbers}, difference {first.difference:+,}{each}"


def without_formula(uncounted: Iterable[UncountedOp], quote: str = "") -> Iterator[str]:
    """Yield the ops that a counter has no formula for, in quotes, those alike on one line."""
    for first, names in _groups(uncounted, _component, lambda op: (op.op, op.calls)):
        each = " each" if len(names) > 1 else ""
        yield f"{quote}{first.op}{quote} in {_name(names)}, {plural(first.calls, 'call')}{each}"


def how_many_differ(comparison: Comparison) -> str | None:
    """Say how many components differ; None if the reason is another."""
    wrong = sum(bool(d.difference) for d in comparison.components)
    if comparison.verdict != "differs" or not wrong:
        return None
    return f"components differ ({wrong} of {len(comparison.components)})"


def _component(item: ComponentDifference | UncountedOp) -> str:
    return item.component


def _groups(
    items: Iterable[T], name: Callable[[T], str], rest: Callable[[T], Hashable]
) -> Iterator[tuple[T, list[str]]]:
    """Yield the first of each group that is alike but for numbers in names, with all names."""
    found: dict[Hashable, tuple[T, list[str]]] = {}
    for item in items:
        key = (re.sub(r"\d+", "0", name(item)), rest(item))
        found.setdefault(key, (item, []))[1].append(name(item))
    yield from found.values()


def _name(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)} alike)"
