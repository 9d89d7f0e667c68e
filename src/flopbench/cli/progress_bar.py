"""Progress bars on the terminal, for the counting of a run and of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from flopbench.progress import Progress as RunProgress
from flopbench.progress import SweepProgress
from flopbench.text import one_line


class BarProgress(RunProgress):
    """Shows the stages done, the stage and step being counted, and the time taken."""

    def __init__(self, bar: Progress, total: int) -> None:
        self._bar = bar
        self._task = bar.add_task("loading the vendor model", total=total)
        self._title = ""
        self._stages = 0

    @classmethod
    @contextmanager
    def open(cls, total: int) -> Iterator[BarProgress]:
        """Show a bar over ``total`` stages on stderr, and remove it at the end."""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        with Progress(
            *columns, console=Console(stderr=True), transient=True, redirect_stdout=False
        ) as bar:
            yield cls(bar, total)

    def stage(self, title: str) -> None:
        self._title = one_line(f"counting {title}")
        self._bar.update(self._task, description=self._title, completed=self._stages)
        self._stages += 1

    def step(self, number: int) -> None:
        self._bar.update(self._task, description=f"{self._title}, step {number}")


class SweepBar(SweepProgress):
    """Shows how many counts of a sweep are done, and the time taken and left."""

    def __init__(self, bar: Progress, noun: str = "count", done: str = "counted") -> None:
        super().__init__(noun, done)
        self._bar = bar
        self._task = bar.add_task("pricing", total=None)

    @classmethod
    @contextmanager
    def open(cls, noun: str = "count", done: str = "counted") -> Iterator[SweepBar]:
        """Show a bar on stderr, and remove it at the end."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=Console(stderr=True), transient=True, redirect_stdout=False
        ) as bar:
            yield cls(bar, noun, done)

    def start(self, total: int, done: int) -> None:
        super().start(total, done)
        if self.resumed:
            self._bar.console.print(f"flopbench: {self.resumed}", markup=False)
        self._bar.update(self._task, description="counting", total=total, completed=done)

    def counted(self, what: str) -> None:
        self._bar.update(self._task, description=one_line(f"{self.done} {what}"), advance=1)
