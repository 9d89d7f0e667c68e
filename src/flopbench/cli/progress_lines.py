"""Progress of a sweep as lines on stderr, where there is no terminal to draw a bar on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from flopbench.progress import SweepProgress

FIRST_S, EVERY_S = 10.0, 30.0
"""Seconds until the first line, so that a short sweep says nothing, and between any two."""


class SweepLines(SweepProgress):
    """Says now and then how many counts are done, and about how long the rest takes."""

    def __init__(
        self,
        noun: str = "count",
        done: str = "counted",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(noun, done)
        self._clock = clock
        self._start = self._next = 0.0
        self._counted = 0

    def start(self, total: int, done: int) -> None:
        super().start(total, done)
        self._start = self._clock()
        self._next = self._start + FIRST_S

    def counted(self, what: str) -> None:
        self._counted += 1
        now, missing = self._clock(), self.total - self.known - self._counted
        if now < self._next or not missing:
            return
        self._next = now + EVERY_S
        left = missing * (now - self._start) / self._counted
        done = f"{self.total - missing} of {self.total} {self.noun}s done, last {what}"
        print(f"flopbench: {done}, about {left:.0f} s left", file=sys.stderr, flush=True)
