"""``flopbench run --baseline``: what a run is held against, and what is said of it."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from flopbench.errors import UsageError
from flopbench.inputs.options import path
from flopbench.text import one_line

if TYPE_CHECKING:
    from flopbench.commands.run.baseline import Baseline
    from flopbench.plan import Plan
    from flopbench.report import Report


@frozen
class Guard:
    """The options of a guard; without a baseline it does nothing."""

    baseline: Baseline | None
    limit: Fraction

    @classmethod
    def of(cls, baseline: str | None, max_growth: str | None, out: str | None) -> Guard:
        """Read the baseline, before any work.

        Raises:
            UsageError: the options or the file are wrong, or ``--out`` would overwrite it.
        """
        if baseline is None:
            if max_growth is not None:
                raise UsageError("--max-growth needs --baseline FILE, a report.json to compare")
            return cls(None, Fraction(0))
        from flopbench.commands.run.baseline import Baseline
        from flopbench.inputs.shares import share

        file = path("--baseline", baseline)
        if out is not None and Path(out, "report.json").resolve() == file.resolve():
            raise UsageError(
                f"--out {out} would overwrite --baseline {baseline}: write to another folder"
            )
        limit = Fraction(0) if max_growth is None else share(max_growth, "--max-growth")
        return cls(Baseline.read(file), limit)

    def check(self, plan: Plan) -> None:
        """Refuse a plan that cannot be held against the baseline.

        Raises:
            UsageError: it is of another model, workload or convention.
        """
        if self.baseline is not None:
            self.baseline.check(plan.model.name, plan.config)

    def tell(self, report: Report) -> bool:
        """Say what grew and what shrank; return whether something grew too much.

        Raises:
            UsageError: the report and the baseline have nothing in common.
        """
        if self.baseline is None:
            return False
        from flopbench.commands.run.growth import compare
        from flopbench.commands.run.measured import measured

        growth = compare(self.baseline, measured(report), self.limit)
        for line in growth.lines():  # not on stdout, which may hold JSON
            print(f"flopbench: {one_line(line)}", file=sys.stderr)
        return bool(growth.grew)
