"""Reports for programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
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
    _COSTS = (
        "expected_bytes_moved",
        "weight_bytes",
        "kv_cache_bytes",
        "peak_activation_bytes",
        "flops_per_byte",
    )
    _LARGEST = ("largest_tensor_bytes",)
    _BOUND = ("gpu", "floor_ms", "bound_ms", "bound_by")
    _COMPARISON = ("vendor_counter", "vendor_flops", "difference", "verdict", "reason")

    def render(self, report: Report) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        costs = (*self._COSTS, *self._BOUND, *self._LARGEST)
        writer.writerow((*self._SERIES, *self._COMPARISON, *costs))
        writer.writerows(map(cell, row.values()) for row in self.rows(report))
        return text.getvalue().rstrip("\n")

    def rows(self, report: Report) -> Iterator[dict[str, Any]]:
        """Yield the rows, each with all columns."""
        for _stage, series, comparisons in by_stage(report):
            for s in series:
                own = {name: getattr(s, name) for name in self._SERIES}
                found = [
                    c for c in comparisons if s.kind == "analytic" and c.attention == s.attention
                ]
                rows: list[Comparison | None] = [*found] or [None]
                more = _some(s.costs, self._COSTS) | _some(s.bound, self._BOUND)
                more |= _some(s.costs, self._LARGEST)
                for c in rows:
                    compared = dict(zip(self._COMPARISON, self._comparison(c), strict=True))
                    yield own | compared | more

    def _comparison(self, comparison: Comparison | None) -> tuple[Any, ...]:
        if comparison is None:
            return (None,) * len(self._COMPARISON)
        c = comparison
        return c.counter, c.vendor_flops, c.difference, c.verdict, c.reason


def _some(values: Mapping[str, Any] | None, names: Iterable[str]) -> dict[str, Any]:
    """Return values by name; None for all if there are none."""
    return {name: None if values is None else values[name] for name in names}
