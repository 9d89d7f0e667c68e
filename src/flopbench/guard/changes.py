"""What differs between a count and the entry of a lock file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from attrs import frozen

from flopbench.guard.entry import KINDS, PEAK, Entry

_NUMBER = re.compile(r"\d+")
_LISTED = 20
_NAME = 48


@frozen
class Change:
    """An integer that is not as before.

    Attributes:
        kind: what it counts, such as ``FLOPs``.
        name: of the component.
        old, new: None if there is none.
    """

    kind: str
    name: str
    old: int | None
    new: int | None

    @property
    def growth(self) -> int:
        """How much more there is than before; less if it is negative."""
        return (self.new or 0) - (self.old or 0)


def changes(old: Entry, new: Entry, tolerance: Fraction) -> list[Change]:
    """Return what differs by more than a share of the old integer, the largest first.

    Peak activations are compared only if the new entry has them.
    """
    before, now = dict(old.amounts()), dict(new.amounts())
    if new.peak_activation_bytes is None:
        before = {key: n for key, n in before.items() if key[0] != PEAK}
    found = [
        Change(*key, before.get(key), now.get(key))
        for key in dict.fromkeys((*before, *now))
        if not _within(before.get(key), now.get(key), tolerance)
    ]
    return sorted(found, key=lambda change: -abs(change.growth))


def _within(old: int | None, new: int | None, tolerance: Fraction) -> bool:
    return old is not None and new is not None and abs(new - old) <= tolerance * old


def growth(old: int | None, new: int | None) -> str:
    """Say how much an integer grew, as a share of what it was."""
    if old is None or new is None:
        return "new" if old is None else "gone"
    if not old:
        return "was 0"
    percent = float(100 * Fraction(new - old, old))
    return f"{percent:+,.1f} %" if abs(percent) >= 1 else f"{percent:+.2g} %"


def lines(found: Iterable[Change]) -> Iterator[str]:
    """Yield a table of changes, kind by kind; those alike but for a number in one line."""
    groups: dict[tuple[str, str, int | None, int | None], list[Change]] = {}
    for change in found:
        alike = _NUMBER.sub("*", change.name)
        groups.setdefault((change.kind, alike, change.old, change.new), []).append(change)
    rows: list[tuple[str, ...]] = []
    for kind in KINDS:
        some = [_row(*key[1:], group) for key, group in groups.items() if key[0] == kind]
        rows += [(kind, "before", "now", "")] * bool(some) + some[:_LISTED]
        if len(some) > _LISTED:
            rows.append((f"and {len(some) - _LISTED} more", "", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        right = "  ".join(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))
        yield f"  {name.ljust(widths[0])}  {right}".rstrip()


def _row(alike: str, old: int | None, new: int | None, group: list[Change]) -> tuple[str, ...]:
    name = group[0].name if len(group) == 1 else f"{alike} (each of {len(group)})"
    return f"  {_cut(name)}", _number(old), _number(new), growth(old, new)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _cut(name: str) -> str:
    """Cut a long name at its start: the end of a path tells more."""
    return name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
