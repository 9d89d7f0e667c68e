"""What a guard compares of a report.json: FLOPs by stage, strategy and component."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from flopbench.report import Report
from flopbench.tally import sums
from flopbench.text import json_text

_CHOICES = ("attention", "counters", "stages", "analytic_only")
"""Settings of a run that choose its series."""


@frozen
class Key:
    """Which series of a report: the strategy that one stage was asked of."""

    stage: str
    kind: str
    attention: str
    counter: str | None


@frozen
class Counts:
    """What one series says of its components.

    Attributes:
        unit: the unit of its FLOPs.
        amounts: FLOPs by component, and calls of ops without a formula by component and op.
    """

    label: str
    unit: str
    amounts: Mapping[tuple[str, str | None], int]


@frozen
class Measured:
    """What a guard compares of a report.

    Attributes:
        parts: for each stage, the stages that it is composed of.
        choices: what chose the series.
        told: facts that may say why a number changed, by dotted name.
        series: without those that failed, whose count is missing.
    """

    parts: Mapping[str, tuple[str, ...]]
    choices: Mapping[str, Any]
    told: Mapping[str, Any]
    series: Mapping[Key, Counts]
    failed: frozenset[Key]


def measured(report: Report) -> Measured:
    """Return what a guard compares of a run that has just been made."""
    return from_json(plain(report.to_dict()))


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back."""
    return json.loads(json_text(value, 0))


def from_json(document: Any) -> Measured:
    """Return what a guard compares of the contents of a report.json.

    Raises:
        ValueError: it is none; the message is a phrase.
    """
    provenance = entry_of(document, "provenance", dict)
    config = entry_of(provenance, "config", dict)
    run = entry_of(config, "run", dict)
    told = {name: config.get(name) for name in ("model", "vendor")} | {
        "workload": document.get("workload"),
        "version": entry_of(provenance, "versions", dict),
        "counter": provenance.get("counters"),
    }
    stages = entry_of(document, "stages", list)
    found = [_series(entry) for entry in entry_of(document, "series", list)]
    return Measured(
        parts={
            entry_of(stage, "name", str): tuple(entry_of(stage, "parts", list)) for stage in stages
        },
        choices={name: run.get(name) for name in _CHOICES},
        told=dict(flat(told)),
        series={key: counts for key, counts in found if counts is not None},
        failed=frozenset(key for key, counts in found if counts is None),
    )


def _series(entry: Any) -> tuple[Key, Counts | None]:
    stage, kind, attention = (entry_of(entry, name, str) for name in ("stage", "kind", "attention"))
    counter = entry_of(entry, "counter", str) if entry.get("counter") is not None else None
    key = Key(stage, kind, attention, counter)
    if entry.get("flops") is None:
        return key, None
    flops = [
        ((entry_of(e, "component", str), None), _amount(e, "flops"))
        for e in entry_of(entry, "breakdown", list)
    ]
    calls = [
        ((entry_of(e, "component", str), entry_of(e, "op", str)), _amount(e, "calls"))
        for e in entry_of(entry, "uncounted", list)
    ]
    return key, Counts(
        entry_of(entry, "label", str), entry_of(entry, "unit", str), sums((*flops, *calls))
    )


def _amount(values: Any, name: str) -> int:
    found = entry_of(values, name, int)
    if isinstance(found, bool) or found < 0:
        raise ValueError(f"its {name!r} must be a whole number of at least 0, got {found}")
    return int(found)


def entry_of(values: Any, name: str, kind: type) -> Any:
    """Return a value of an object in JSON, which must be of some kind.

    Raises:
        ValueError: it is not there, or of another kind.
    """
    found = values.get(name) if isinstance(values, dict) else None
    if not isinstance(found, kind):
        reason = "missing" if found is None else "of another type"
        raise ValueError(f"its {name!r} is {reason}")  # noqa: TRY004 - of a file, not of code
    return found


def flat(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of inner objects under dotted names."""
    if not isinstance(values, dict):
        yield prefix.removesuffix("."), values
        return
    for name, value in values.items():
        yield from flat(value, f"{prefix}{name}.")
