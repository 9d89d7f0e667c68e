"""The conformance suite of a reporter."""

from __future__ import annotations

import copy
from itertools import combinations
from pathlib import Path
from typing import ClassVar

import pytest

from flopbench.report import Report, Reporter
from flopbench.testing.samples import sample_reports
from flopbench.testing.suite import Conformance, check, require

_TOLD_APART = ("good", "failed", "incomplete")


class ReporterConformance(Conformance):
    """Checks a reporter against its contract, on reports of good, failed and incomplete runs.

    A complete test file::

        from flopbench.testing import ReporterConformance

        class TestMine(ReporterConformance):
            reporter = "mine"

    Attributes:
        reporter: the reporter's name.
    """

    reporter: ClassVar[str]

    @classmethod
    def _class(cls) -> type[Reporter]:
        return cls._catalog().reporters.get(cls.reporter)

    @classmethod
    def _samples(cls) -> list[str]:
        return list(sample_reports())

    def _render(self, report: Report) -> str:
        text = _new(self._class()).render(report)
        require(isinstance(text, str), f"render must return text, got {type(text).__name__}")
        return text

    @check()
    def test_declares_itself(self) -> None:
        """It has a summary for `flopbench list`."""
        reporter = self._class()
        require(reporter.summary, f"reporter {reporter.name!r} has no summary")

    @check(cases="_samples")
    def test_renders_text(self, case: str) -> None:
        """Whatever the outcome of a run, its report is text that can be written as UTF-8."""
        text = self._render(sample_reports()[case])
        require(not text.endswith("\n"), "the text ends with a newline, but the caller adds one")
        text.encode("utf-8")

    @check(cases="_samples")
    def test_is_pure(
        self,
        case: str,
        capfd: pytest.CaptureFixture[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It changes no report, prints nothing, writes no file, and gives the same text again."""
        monkeypatch.chdir(tmp_path)
        report = sample_reports()[case]
        before = copy.deepcopy(report.to_dict())
        first = self._render(report)
        require(report.to_dict() == before, "render changes the report")
        require(self._render(report) == first, "the same report gives another text the second time")
        printed = capfd.readouterr()
        require(not printed.out + printed.err, f"render prints {printed.out + printed.err!r}")
        require(not list(tmp_path.iterdir()), "render writes a file into the working directory")

    @check()
    def test_tells_reports_apart(self) -> None:
        """A run that is verified, one that differs and one that failed do not look the same."""
        reports = sample_reports()
        for one, other in combinations(_TOLD_APART, 2):
            same = self._render(reports[one]) == self._render(reports[other])
            require(not same, f"a report that is {one} looks the same as one that is {other}")


def _new(reporter: type[Reporter]) -> Reporter:
    return reporter()
