"""Callbacks that report how far a run has come."""

from __future__ import annotations


class Progress:
    """Receives what a run is counting; does nothing unless overridden."""

    def stage(self, title: str) -> None:
        """Called when the counting of a stage begins."""

    def step(self, number: int) -> None:
        """Called when one of its steps has been counted."""


class SweepProgress:
    """Receives how far a sweep has come; shows nothing unless overridden."""

    total = known = 0

    def __init__(self, noun: str = "count", done: str = "counted") -> None:
        self.noun, self.done = noun, done

    def start(self, total: int, done: int) -> None:
        """Called at the start, when ``done`` of ``total`` counts are already known."""
        self.total, self.known = total, done

    @property
    def resumed(self) -> str | None:
        """What is known from a sweep that was stopped, in words; None if nothing is."""
        return (
            f"resumed: {self.known} of {self.total} {self.noun}s were known" if self.known else None
        )

    def counted(self, what: str) -> None:
        """Called when one more count, a stage of a point, is known."""
