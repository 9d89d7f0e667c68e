"""The abstract reporter: a report in, text out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from flopbench.report.report import Report


class Reporter(ABC):
    r"""Shows a report as text. It is pure: the command line prints the text or writes the file.

    A whole plugin::

        from flopbench import Reporter, hookimpl

        class Verdicts(Reporter):
            name = "verdicts"
            summary = "one line per comparison"

            def render(self, report):
                return "\n".join(f"{c.stage}: {c.verdict}" for c in report.comparisons)

        @hookimpl
        def flopbench_reporters():
            return [Verdicts]
    """

    name: ClassVar[str]
    """The name that ``--format`` takes."""

    summary: ClassVar[str] = ""

    filename: ClassVar[str | None] = None
    """The file under ``--out``; None for a reporter that is only printed."""

    shows_laws: ClassVar[bool] = False
    """Whether it shows `Report.laws`, which are only found for a reporter that does."""

    @abstractmethod
    def render(self, report: Report) -> str:
        """Return the text, without a final newline."""
