"""Which components of a run grew since a baseline, and which shrank."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from attrs import frozen

from flopbench.commands.run.baseline import Baseline, changes
from flopbench.commands.run.measured import Counts, Key, Measured
from flopbench.errors import UsageError
from flopbench.text import first_of, plural

_LISTED = 40


@frozen
class Change:
    """One component of one series, before and now.

    Attributes:
        op: the op without a formula whose calls are compared; None if FLOPs are.
    """

    key: Key
    label: str
    unit: str
    component: str
    op: str | None
    old: int
    new: int

    def __str__(self) -> str:
        what = f"calls of {self.op}" if self.op else self.unit
        text = f"{self.key.stage}, {self.label}, {self.component}: "
        text += f"{self.old:,} -> {self.new:,} {what}"
        return f"{text} ({self._share()})"

    def _share(self) -> str:
        if not self.old:
            return "new"
        return f"{float(100 * Fraction(self.new - self.old, self.old)):+.3g} %"


@frozen
class Growth:
    """What a guard found.

    Attributes:
        grew: by more than is allowed; any growth from 0 is.
        within: grew by no more than is allowed.
        compared: components held against the baseline.
        left_out: series that only one side has, as phrases.
        told: settings, versions and facts that changed, as phrases.
    """

    name: str
    limit: Fraction
    compared: int
    grew: tuple[Change, ...]
    within: tuple[Change, ...]
    shrank: tuple[Change, ...]
    left_out: tuple[str, ...]
    told: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield what people read: the outcome first."""
        allowed = f"at most {float(100 * self.limit):g} % allowed" if self.limit else "none allowed"
        outcome = f"{plural(len(self.grew), 'component')} grew" if self.grew else "nothing grew"
        if not self.grew and self.limit:
            outcome += " too much"
        yield f"{self.name}: {outcome} ({self.compared} compared, {allowed})"
        for word, found in (("grew", self.grew), ("within", self.within), ("shrank", self.shrank)):
            yield from (f"  {word}: {change}" for change in found[:_LISTED])
            if len(found) > _LISTED:
                yield f"  {word}: {len(found) - _LISTED} more"
        if self.left_out:
            yield f"  not compared: {first_of(self.left_out)}"
        if self.told and (self.grew or self.within or self.shrank):
            yield f"  changed: {first_of(self.told)}"


def compare(baseline: Baseline, now: Measured, limit: Fraction) -> Growth:
    """Hold a run against its baseline, in each component of each stage that is no sum of others.

    Args:
        limit: the share by which a component may grow.

    Raises:
        UsageError: they have nothing in common.
    """
    before = baseline.measured
    appeared = before.choices == now.choices  # what only the run has is new, and was not left out
    held = [
        key
        for key in now.series
        if (key in before.series or (appeared and key not in before.failed))
        and not _is_sum(key, before, now)
    ]
    if not any(key in before.series for key in held):
        raise UsageError(
            f"{baseline.name} has none of this run's stages, attention modes and counters: "
            "choose the same, or make a new baseline"
        )
    same = [key for key in held if before.series.get(key, now.series[key]).unit == _unit(now, key)]
    found = [change for key in same for change in _changes(key, before.series.get(key), now)]
    more = [change for change in found if change.new > change.old]
    grew = tuple(change for change in more if change.new - change.old > limit * change.old)
    return Growth(
        name=baseline.name,
        limit=limit,
        compared=len(found),
        grew=grew,
        within=tuple(change for change in more if change not in grew),
        shrank=tuple(change for change in found if change.new < change.old),
        left_out=tuple(_left_out(before, now, {*same})),
        told=tuple(changes(before.told, now.told)),
    )


def _unit(report: Measured, key: Key) -> str:
    return report.series[key].unit


def _is_sum(key: Key, *reports: Measured) -> bool:
    """Return whether a stage is the sum of stages that all reports have."""
    parts = reports[-1].parts.get(key.stage, ())
    each = [Key(part, key.kind, key.attention, key.counter) for part in parts]
    return bool(each) and all(part in report.series for report in reports for part in each)


def _changes(key: Key, old: Counts | None, now: Measured) -> Iterator[Change]:
    new = now.series[key]
    before = old.amounts if old else {}
    for component, op in dict.fromkeys((*new.amounts, *before)):
        amounts = (before.get((component, op), 0), new.amounts.get((component, op), 0))
        yield Change(key, new.label, new.unit, component, op, *amounts)


def _left_out(before: Measured, now: Measured, compared: set[Key]) -> Iterator[str]:
    """Yield the series that are not compared, nor the sums of some that are."""
    for key in dict.fromkeys((*now.series, *before.series)):
        if key in compared or _is_sum(key, now if key in now.series else before):
            continue
        name = f"{key.stage} by {key.counter or f'{key.attention} {key.kind}'}"
        if key not in before.series:
            yield f"{name} (not in the baseline)"
        elif key not in now.series:
            yield f"{name} (only in the baseline)"
        else:
            yield f"{name} (its unit was {_unit(before, key)} and is {_unit(now, key)})"
