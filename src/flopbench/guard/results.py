"""What the tests of a run checked, gathered in one process: alone, or from all workers of xdist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flopbench.errors import UsageError

FIELD = "flopbench"
"""The field of a test's last report that says what the test checked."""


class Results:
    """Writes the lock file after the tests, and says what is to be said of it."""

    def __init__(self, path: Path, root: Path, *, update: bool) -> None:
        self._path = path
        self._root = root
        self._update = update
        self._ran: dict[str, Any] = {}
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test checked; if it ran several times, the last counts."""
        found = getattr(report, FIELD, None)
        if found is not None:
            self._ran[found["test"]] = found

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the lock file; a failure to do so fails the run."""
        if not self._ran:
            return
        try:
            self._lines = self._finish()
        except UsageError as error:
            self._lines = [f"ERROR: {error}"]
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _finish(self) -> list[str]:
        from flopbench.guard.lock import Lock
        from flopbench.guard.update import told, unused, updated

        before = Lock.read(self._path)
        ran = [self._ran[test] for test in sorted(self._ran)]
        if not self._update:
            return list(unused(before, ran))
        after = updated(before, ran, self._root)
        if after != before:
            after.write()
        return list(told(before, after))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was written."""
        for line in self._lines:
            terminalreporter.write_line(line)
