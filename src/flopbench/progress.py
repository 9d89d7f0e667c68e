"""Who is told how far a run has come."""

from __future__ import annotations


class Progress:
    """Told what is being counted; does nothing, unless overridden."""

    def stage(self, title: str) -> None:
        """Take note that the counting of a stage begins."""

    def step(self, number: int) -> None:
        """Take note that one of its steps has been counted."""


class SweepProgress:
    """Told how far counting is; does nothing, unless overridden."""

    def start(self, total: int, done: int) -> None:
        """Take note that ``done`` of ``total`` counts are known already."""

    def counted(self, what: str) -> None:
        """Take note that one more is known: a stage of a point."""
