"""Callbacks that report how far a run has come."""

from __future__ import annotations


class Progress:
    """Receives what a run is counting; does nothing unless overridden."""

    def stage(self, title: str) -> None:
        """Called when the counting of a stage begins."""

    def step(self, number: int) -> None:
        """Called when one of its steps has been counted."""


class SweepProgress:
    """Receives how far a sweep has come; does nothing unless overridden."""

    def start(self, total: int, done: int) -> None:
        """Called at the start, when ``done`` of ``total`` counts are already known."""

    def counted(self, what: str) -> None:
        """Called when one more count, a stage of a point, is known."""
