"""Who is told how far a run has come."""

from __future__ import annotations


class Progress:
    """Told what is being counted; does nothing, unless overridden."""

    def stage(self, title: str) -> None:
        """Take note that the counting of a stage begins."""

    def step(self, number: int) -> None:
        """Take note that one of its steps has been counted."""
