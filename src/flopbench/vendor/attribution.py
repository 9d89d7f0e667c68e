"""Attribute what was counted per module to the components of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import frozen

from flopbench.boundary import told
from flopbench.errors import CountError, FlopbenchError
from flopbench.tally import sums
from flopbench.vendor.counter import StageCount

T = TypeVar("T")


@frozen
class Attributed:
    """A vendor count by component and op; ``by_law`` if it is a law's value."""

    entries: tuple[Entry, ...]
    uncounted: tuple[UncountedOp, ...]
    assumptions: tuple[str, ...] = ()
    by_law: bool = False

    @property
    def flops(self) -> int:
        """All FLOPs counted."""
        return sum(entry.flops for entry in self.entries)

    def __add__(self, other: Attributed) -> Attributed:
        notes = dict.fromkeys(self.assumptions + other.assumptions)
        return Attributed(
            self.entries + other.entries, self.uncounted + other.uncounted, tuple(notes)
        )


@frozen
class Failed:
    """A count that there is none of, and why, in one sentence."""

    reason: str


def attempt(count: Callable[[], T]) -> T | Failed:
    """Count something of the vendor; a failure is a result, whatever failed.

    Raises:
        FlopbenchError: what the user must mend first: a usage or a plugin error.
    """
    try:
        return count()
    except CountError as error:
        return Failed(str(error))
    except FlopbenchError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a vendor may raise anything
        return Failed(f"the vendor model could not be counted: {told(error)}")


def attribute(counted: StageCount, component: Callable[[str], str]) -> Attributed:
    """Attribute what was counted per module to components."""
    flops = sums(((component(e.module), e.op), e.flops) for e in counted.count.counted)
    calls = sums(((component(e.module), e.op), e.calls) for e in counted.count.uncounted)
    return Attributed(
        tuple(Entry(c, op, n) for (c, op), n in flops.items()),
        tuple(UncountedOp(c, op, n) for (c, op), n in calls.items()),
        counted.assumptions,
    )


@frozen
class Entry:
    """FLOPs of one kind of operation in one component."""

    component: str
    op: str
    flops: int


@frozen
class UncountedOp:
    """An op in a component that does matrix work and that the counter has no formula for."""

    component: str
    op: str
    calls: int
