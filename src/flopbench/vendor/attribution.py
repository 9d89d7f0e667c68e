"""Attribute the counts per module and op to the components of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from attrs import field, frozen

from flopbench.boundary import told
from flopbench.errors import CountError, FlopbenchError
from flopbench.tally import sums
from flopbench.vendor.counter import StageCount
from flopbench.vendor.method import Method
from flopbench.vendor.own import OwnFormula

T = TypeVar("T")


@frozen
class Attributed:
    """A vendor count by component and op, and how it was obtained.

    Attributes:
        own_formulas: those of the counter's own formulas that gave a part of it.
        modules: in how many modules each op was counted, by component and op.
    """

    entries: tuple[Entry, ...]
    uncounted: tuple[UncountedOp, ...]
    assumptions: tuple[str, ...] = ()
    method: Method = Method.CONCRETE
    own_formulas: tuple[OwnFormula, ...] = ()
    modules: Mapping[tuple[str, str], int] = field(factory=dict, eq=False)

    @property
    def flops(self) -> int:
        """All FLOPs counted."""
        return sum(entry.flops for entry in self.entries)

    def own_flops(self) -> dict[str, int]:
        """Return the FLOPs that the counter's own formulas gave, by component."""
        ops = {formula.op for formula in self.own_formulas}
        return sums((entry.component, entry.flops) for entry in self.entries if entry.op in ops)

    def __add__(self, other: Attributed) -> Attributed:
        notes = dict.fromkeys(self.assumptions + other.assumptions)
        return Attributed(
            self.entries + other.entries,
            self.uncounted + other.uncounted,
            tuple(notes),
            Method.of_all((self.method, other.method)),
            tuple(dict.fromkeys(self.own_formulas + other.own_formulas)),
        )


def total_count(
    names: Iterable[str], counts: Mapping[str, Attributed | Failed]
) -> Attributed | Failed:
    """Add up the counts of a stage's parts; if any failed, return the first failure."""
    total: Attributed | None = None
    for name in names:
        part = counts[name]
        if isinstance(part, Failed):
            return part
        total = part if total is None else total + part
    return total or Attributed((), ())


@frozen
class Failed:
    """A count that failed, and why, in one sentence."""

    reason: str


def attempt(count: Callable[[], T]) -> T | Failed:
    """Count something of the vendor; a failure of any kind is a result.

    Raises:
        FlopbenchError: a usage or plugin error, which the user must fix first.
    """
    try:
        return count()
    except CountError as error:
        return Failed(str(error))
    except FlopbenchError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a vendor may raise anything
        return Failed(f"the vendor model could not be counted: {told(error)}")


def attribute(counted: StageCount, component_of: Callable[[str, str], str]) -> Attributed:
    """Attribute the counts per module and op to components."""
    flops = sums(((component_of(e.module, e.op), e.op), e.flops) for e in counted.count.counted)
    calls = sums(((component_of(e.module, e.op), e.op), e.calls) for e in counted.count.uncounted)
    return Attributed(
        tuple(Entry(c, op, n) for (c, op), n in flops.items()),
        tuple(UncountedOp(c, op, n) for (c, op), n in calls.items()),
        counted.assumptions,
        counted.method,
        counted.own_formulas,
        sums(((component_of(e.module, e.op), e.op), 1) for e in counted.count.counted),
    )


@frozen
class Entry:
    """FLOPs of one kind of operation in one component."""

    component: str
    op: str
    flops: int


@frozen
class UncountedOp:
    """An op in a component that does matrix work for which the counter has no formula."""

    component: str
    op: str
    calls: int
