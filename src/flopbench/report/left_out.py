"""Which comparisons a run left out, and why."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.report.report import FAILURES, Report
from flopbench.text import listed


@frozen
class LeftOut:
    """Attention modes that were priced but not compared with what a counter counted."""

    counter: str
    attention: tuple[str, ...]
    reason: str | None

    def __str__(self) -> str:
        modes = listed(self.attention, "and")
        return f"{modes} not compared with vendor ({self.counter}), because {self.reason}"


def left_out(report: Report) -> Iterator[LeftOut]:
    """Yield what was left out, once for all stages; what failed is not among it."""
    modes: dict[tuple[str, str | None], dict[str, None]] = {}
    for c in report.comparisons:
        if c.verdict not in (*FAILURES, "exact"):
            modes.setdefault((c.counter, c.reason), {})[c.attention] = None
    for (counter, reason), names in modes.items():
        yield LeftOut(counter, tuple(names), reason)
