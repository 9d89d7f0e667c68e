"""Reports as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flopbench import Reporter
from flopbench.builtin.reporters import costs, memory
from flopbench.builtin.reporters import executed as executed_text
from flopbench.builtin.reporters.alike import without_formula
from flopbench.builtin.reporters.shared import (
    by_stage,
    executed_parts,
    has_no_match,
    has_unseen,
    no_match_note,
    own_formulas,
    part_by_own,
    reconciliation,
    settings,
    unseen,
    value,
    verdict,
)
from flopbench.report import Comparison, Report, Series, UncountedOp
from flopbench.text import table


class Markdown(Reporter):
    """Tables for a wiki or a pull request."""

    name = "markdown"
    summary = "tables for a wiki or a pull request"
    filename = "report.md"

    def render(self, report: Report) -> str:
        lines = [f"# FLOPs of {report.model}", "", _markdown_workload(report), ""]
        for stage, series, comparisons in by_stage(report):
            lines += [f"## {stage.title}", "", *_markdown_series(series, comparisons), ""]
            lines += costs.cost_table(series)
            lines += costs.bound_table(series)
            for line in costs.measured(series):
                lines += [f"{line[0].upper()}{line[1:]}.", ""]
            lines += memory.tables(series)
            lines += executed_text.markdown(executed_parts(report, stage))
            for c in comparisons:
                if c.verdict != "no_vendor_match":
                    lines += [*_markdown_comparison(c), ""]
        lines += [f"- Required: {line}." for line in costs.required(report)]
        lines += [""] if report.required else []
        heading, *said = [*costs.deployment(report)] or [""]
        lines += [heading, "", *(f"- {line}" for line in said), ""] if heading else []
        note = no_match_note(report)
        lines += [f"{note[0].upper()}{note[1:]}.", ""] if note else []
        said = [*own_formulas(report), *report.notes]
        lines += [f"- Note: {sentence}." for sentence in said]
        lines += [""] if said else []
        lines += [f"{verdict(report)[0].upper()}{verdict(report)[1:]}.", ""]
        lines += ["## Provenance", "", *_markdown_provenance(report)]
        return "\n".join(lines)


def _markdown_workload(report: Report) -> str:
    return f"Settings: {', '.join(f'`{item}`' for item in settings(report)) or 'none'}."


def _integer(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _markdown_series(series: list[Series], comparisons: list[Comparison]) -> Iterator[str]:
    header = ["series", "TFLOPs", "FLOPs", "tensor", "vector", "torch-visible"]
    padded = any(s.useful_flops is not None for s in series)
    if padded:
        header += ["useful tensor", "executed / useful"]
    rows = []
    for s in series:
        label = s.label + (" (no vendor match)" if has_no_match(s, comparisons) else "")
        numbers = (s.flops, s.tensor_flops, s.vector_flops, s.torch_visible_flops)
        row = [label, value(s), *map(_integer, numbers)]
        if padded:
            ratio = "" if s.executed_ratio is None else f"{s.executed_ratio:.4f}"
            row += [_integer(s.useful_flops), ratio]
        rows.append(row)
    yield from table(header, rows)
    if not comparisons:
        for s in series:
            if s.error:
                yield f"\nNot counted: {s.error}."
            if said := part_by_own(s):
                yield f"\nOf {s.label}: {said}."
            yield from _markdown_uncounted(s.uncounted)


def _markdown_comparison(comparison: Comparison) -> Iterator[str]:
    yield f"Reconciliation: {reconciliation(comparison)}."
    if comparison.components:
        yield ""
        yield from table(
            ("component", "vendor FLOPs", "analytic FLOPs", "difference"),
            (
                [d.component, *map(_integer, (d.vendor_flops, d.analytic_flops, d.difference))]
                for d in comparison.components
            ),
        )
    yield from _markdown_uncounted(comparison.uncounted)
    if has_unseen(comparison):
        yield f"\nUnseen by {comparison.counter}, in TFLOPs: {unseen(comparison)}."


def _markdown_uncounted(uncounted: Iterable[UncountedOp]) -> Iterator[str]:
    for line in without_formula(uncounted, quote="`"):
        yield f"\nUncounted: {line}."


def _markdown_provenance(report: Report) -> Iterator[str]:
    provenance = report.provenance
    for name, values in (
        ("Versions", provenance.versions),
        ("Vendor", provenance.vendor),
        *((f"Counter {name}", values) for name, values in provenance.counters.items()),
        ("FLOPs per element (1 MAC = 2 FLOPs)", provenance.convention),
    ):
        if values:
            yield f"- {name}: " + ", ".join(f"{key} {value}" for key, value in values.items())
    if provenance.architecture:
        yield f"- Architecture: {provenance.architecture['digest']} (its fields are in report.json)"
    for note in provenance.assumptions:
        yield f"- Assumption: {note}"
    for fallback in provenance.fallbacks:
        yield f"- Fallback: {fallback}"
