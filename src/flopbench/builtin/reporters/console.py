"""The report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flopbench import Reporter, Stage
from flopbench.builtin.reporters import costs, memory
from flopbench.builtin.reporters import executed as executed_text
from flopbench.builtin.reporters.alike import differing, without_formula
from flopbench.builtin.reporters.shared import (
    by_stage,
    counters,
    executed,
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
from flopbench.text import key_values, wrapped


class Console(Reporter):
    """Text for a terminal: per stage, the series in TFLOPs and how they reconcile."""

    name = "console"
    summary = "per stage the series in TFLOPs and their reconciliation"

    def render(self, report: Report) -> str:
        lines = [wrapped(": ".join(filter(None, (report.model, " ".join(settings(report))))))]
        for stage, series, comparisons in by_stage(report):
            lines += ["", *_console_stage(report, stage, series, comparisons)]
        lines += ["", *_console_notes(report)]
        return "\n".join(lines)


def _console_stage(
    report: Report, stage: Stage, series: list[Series], comparisons: list[Comparison]
) -> Iterator[str]:
    yield f"{stage.title} FLOPs (TFLOPs):"
    width = max(29, *(len(s.label) + 1 for s in series))
    for s in series:
        mark = "   [no vendor match]" if has_no_match(s, comparisons) else ""
        yield f"  {s.label:<{width}}: {value(s)}{mark}"
        if s.useful_flops is not None:
            yield f"    {executed(s)}"
        if not comparisons:
            yield from _console_alone(s)
    for line in (*costs.lines(series), *memory.lines(series)):
        yield wrapped(line, first="  ", indent="    ")
    yield from executed_text.console(executed_parts(report, stage))
    for c in comparisons:
        if c.verdict == "no_vendor_match":
            continue
        yield wrapped(reconciliation(c), first="    ", indent="      ")
        for line in differing(c):
            yield wrapped(line, first="      ", indent="        ")
        yield from _console_uncounted(c.uncounted)
        if has_unseen(c):
            who = c.counter if len(counters(report)) > 1 else "the counter"
            yield wrapped(f"unseen by {who}: {unseen(c)}", first="    ", indent="      ")


def _console_alone(series: Series) -> Iterator[str]:
    """Yield what a comparison would say of a series, where there is none."""
    for said in filter(None, (series.error, part_by_own(series))):
        yield wrapped(said, first="    ", indent="      ")
    yield from _console_uncounted(series.uncounted)


def _console_uncounted(uncounted: Iterable[UncountedOp]) -> Iterator[str]:
    for line in without_formula(uncounted):
        yield wrapped(f"uncounted: {line}", first="      ", indent="        ")


def _console_notes(report: Report) -> Iterator[str]:
    provenance = report.provenance
    yield from map(wrapped, costs.required(report))
    heading, *lines = [*costs.deployment(report)] or [""]
    if heading:
        yield wrapped(heading)
    for line in lines:
        yield wrapped(line, first="  ", indent="    ")
    note = no_match_note(report)
    if note:
        yield wrapped(note)
    for text in (*own_formulas(report), *report.notes):
        yield wrapped(f"note: {text}")
    for fallback in provenance.fallbacks:
        yield wrapped(f"fallback: {fallback}")
    for plugin in provenance.plugins:
        if plugin["error"]:
            what = f"warning: plugin {plugin['name']!r} ({plugin['origin']}) {plugin['error']}"
            yield wrapped(what)
    entries = " ".join(key_values(provenance.convention))
    yield wrapped(f"convention: 1 MAC = 2 FLOPs; FLOPs per element: {entries}")
    yield wrapped(verdict(report))
