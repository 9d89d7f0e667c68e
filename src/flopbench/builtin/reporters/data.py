"""Reports for programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

from flopbench import Reporter
from flopbench.builtin.reporters.shared import (
    by_stage,
)
from flopbench.report import Comparison, Report
from flopbench.text import cell, json_text


class Json(Reporter):
    """The whole report, for programs."""

    name = "json"
    summary = "the whole report, exact integers (docs/report-schema.md)"
    filename = "report.json"

    def render(self, report: Report) -> str:
        return json_text(report.to_dict(), 2)


class Csv(Reporter):
    """One row per series, with its comparison."""

    name = "csv"
    summary = "one row per series and comparison"
    filename = "report.csv"

    _SERIES = (
        "stage",
        "kind",
        "label",
        "attention",
        "counter",
        "flops",
        "tensor_flops",
        "vector_flops",
        "torch_visible_flops",
        "useful_flops",
        "executed_ratio",
        "unit",
        "error",
    )
    _COMPARISON = ("vendor_counter", "vendor_flops", "difference", "verdict", "reason")

    def render(self, report: Report) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*self._SERIES, *self._COMPARISON))
        for _stage, series, comparisons in by_stage(report):
            for s in series:
                own = [getattr(s, name) for name in self._SERIES]
                found = [
                    c for c in comparisons if s.kind == "analytic" and c.attention == s.attention
                ]
                rows: list[Comparison | None] = [*found] or [None]
                for c in rows:
                    writer.writerow(map(cell, (*own, *self._comparison(c))))
        return text.getvalue().rstrip("\n")

    def _comparison(self, comparison: Comparison | None) -> tuple[Any, ...]:
        if comparison is None:
            return (None,) * len(self._COMPARISON)
        c = comparison
        return c.counter, c.vendor_flops, c.difference, c.verdict, c.reason
