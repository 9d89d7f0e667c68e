"""The reporters that flopbench ships: console, JSON, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from flopbench.analytic import Stage
from flopbench.analytic.price import Fallback
from flopbench.builtin import executed_text
from flopbench.hookspecs import hookimpl
from flopbench.report import FAILURES, Comparison, ExecutedComponent, Report, Reporter, Series
from flopbench.text import key_values, table, tera, wrapped
from flopbench.vendor.attribution import UncountedOp

_UNSEEN_SHOWN = 3


def _by_stage(report: Report) -> Iterator[tuple[Stage, list[Series], list[Comparison]]]:
    for stage in report.stages:
        yield (
            stage,
            [s for s in report.series if s.stage == stage.name],
            [c for c in report.comparisons if c.stage == stage.name],
        )


def _executed(report: Report, stage: Stage) -> list[ExecutedComponent]:
    return [part for part in report.executed if part.stage == stage.name]


def _no_match(series: Series, comparisons: Iterable[Comparison]) -> bool:
    return series.kind == "analytic" and any(
        c.attention == series.attention and c.verdict == "no_vendor_match" for c in comparisons
    )


def _settings(report: Report) -> Iterator[str]:
    """Say the workload, and what of model and vendor was set."""
    yield from key_values(report.workload)
    for section in ("model", "vendor"):
        yield from key_values(report.provenance.config.get(section, {}), f"{section}.")


def reconciliation(comparison: Comparison) -> str:
    """Say in one line how a comparison came out."""
    who = f"{comparison.attention} = vendor ({comparison.counter})"
    if comparison.verdict == "exact":
        return (
            f"exact: {who} in each of {len(comparison.components)} components, "
            f"{comparison.vendor_flops:,} {comparison.unit}s, difference 0"
        )
    return (
        f"{comparison.verdict}: {comparison.attention}, {comparison.counter}: {comparison.reason}"
    )


def _tells_unseen(comparison: Comparison) -> bool:
    """Tell whether something was counted, and something was not seen of it."""
    counted = comparison.vendor_flops is not None and comparison.verdict != "not_comparable"
    return counted and bool(comparison.unseen)


def unseen(comparison: Comparison) -> str:
    """Name the work that the counter does not see, the largest first."""
    shown = list(comparison.unseen.items())[:_UNSEEN_SHOWN]
    parts = [f"{op} {tera(flops)}" for op, flops in shown]
    if len(shown) < len(comparison.unseen):
        parts.append(f"{len(comparison.unseen) - len(shown)} more")
    return f"{tera(sum(comparison.unseen.values()))} ({', '.join(parts)})"


def executed(series: Series) -> str:
    """Say how much of the tensor work that kernels execute is useful."""
    useful, tensor = series.useful_flops or 0, series.tensor_flops or 0
    ratio = "" if series.executed_ratio is None else f", {series.executed_ratio:.4f} times as much"
    return f"tensor work: {tera(tensor)} executed for {tera(useful)} useful{ratio}"


class Console(Reporter):
    """What people read: per stage the series in TFLOPs, and how they reconcile."""

    name = "console"
    summary = "per stage the series in TFLOPs and their reconciliation"

    def render(self, report: Report) -> str:
        lines = [wrapped(": ".join(filter(None, (report.model, " ".join(_settings(report))))))]
        for stage, series, comparisons in _by_stage(report):
            lines += ["", *_console_stage(report, stage, series, comparisons)]
        lines += ["", *_console_notes(report)]
        return "\n".join(lines)


def _console_stage(
    report: Report, stage: Stage, series: list[Series], comparisons: list[Comparison]
) -> Iterator[str]:
    yield f"{stage.title} FLOPs (TFLOPs):"
    width = max(29, *(len(s.label) + 1 for s in series))
    for s in series:
        mark = "   [no vendor match]" if _no_match(s, comparisons) else ""
        yield f"  {s.label:<{width}}: {_value(s)}{mark}"
        if s.useful_flops is not None:
            yield f"    {executed(s)}"
        if not comparisons and s.error:
            yield f"    {s.error}"
        if not comparisons:
            yield from _console_uncounted(s.uncounted)
    yield from executed_text.console(_executed(report, stage))
    for c in comparisons:
        if c.verdict == "no_vendor_match":
            continue
        yield f"    {reconciliation(c)}"
        for d in c.components:
            if d.difference:
                yield (
                    f"      {d.component}: vendor {d.vendor_flops:,}, analytic "
                    f"{d.analytic_flops:,}, difference {d.difference:+,}"
                )
        yield from _console_uncounted(c.uncounted)
        if _tells_unseen(c):
            who = c.counter if len(_counters(report)) > 1 else "the counter"
            yield f"    unseen by {who}: {unseen(c)}"


def _console_uncounted(uncounted: Iterable[UncountedOp]) -> Iterator[str]:
    for op in uncounted:
        yield f"      uncounted: {op.op} in {op.component}, {op.calls} calls"


def _value(series: Series) -> str:
    if series.flops is None:
        return "not counted"
    unit = "" if series.unit == "FLOP" else f" (unit: {series.unit})"
    return tera(series.flops) + unit


def _console_notes(report: Report) -> Iterator[str]:
    provenance = report.provenance
    for fallback in provenance.fallbacks:
        yield wrapped(f"fallback: {_fallback(fallback)}")
    for plugin in provenance.plugins:
        if plugin["error"]:
            yield f"warning: plugin {plugin['name']!r} ({plugin['origin']}) {plugin['error']}"
    entries = " ".join(key_values(provenance.convention))
    yield wrapped(f"convention: 1 MAC = 2 FLOPs; FLOPs per element: {entries}")
    yield verdict(report)


def _fallback(fallback: Fallback) -> str:
    return f"{fallback.attention} runs {fallback.component} eagerly: {fallback.reason}"


def verdict(report: Report) -> str:
    """Say in one line what the whole report shows."""
    if report.verdict == "not_checked":
        if report.no_closed_forms:
            return f"verdict: nothing was checked: {report.no_closed_forms}"
        return "verdict: nothing was checked against a vendor"
    if report.verdict == "verified":
        stages = {c.stage for c in report.comparisons if c.verdict == "exact"}
        return f"verdict: verified, vendor = analytic to the last FLOP in {_stages(len(stages))}"
    reason = f"; {report.no_closed_forms}" if report.no_closed_forms else ""
    return f"verdict: not verified: {'; '.join(_failed(report))}{reason}"


_WORST_FIRST = ("differs", "not counted", "uncounted ops", "incomplete")
"""What keeps a stage from being verified; what is further on follows from what is before."""


def _failed(report: Report) -> Iterator[str]:
    """Name the stages that are not verified, each once, with the worst that each counter found."""
    found = {(s.stage, s.counter, "not counted") for s in report.series if s.error}
    found |= {(s.stage, s.counter, "uncounted ops") for s in report.series if s.uncounted}
    found |= {(c.stage, c.counter, c.verdict) for c in report.comparisons if c.verdict in FAILURES}
    alike: dict[str, list[str]] = {}
    for stage in report.stages:
        counters: dict[str, list[str]] = {}
        for counter in _counters(report):
            worst = [state for state in _WORST_FIRST if (stage.name, counter, state) in found]
            if worst:
                counters.setdefault(worst[0], []).append(counter)
        if counters:
            why = ", ".join(f"{', '.join(names)}: {state}" for state, names in counters.items())
            alike.setdefault(why, []).append(stage.name)
    for why, stages in alike.items():
        yield f"{', '.join(stages)} ({why})"


def _counters(report: Report) -> list[str]:
    return list(dict.fromkeys(s.counter for s in report.series if s.counter))


def _stages(count: int) -> str:
    return "1 stage" if count == 1 else f"{count} stages"


class Json(Reporter):
    """The whole report, for programs."""

    name = "json"
    summary = "the whole report, exact integers (docs/report-schema.md)"
    filename = "report.json"

    def render(self, report: Report) -> str:
        return json.dumps(report.to_dict(), indent=2, ensure_ascii=False)


class Markdown(Reporter):
    """Tables for a wiki or a pull request."""

    name = "markdown"
    summary = "tables for a wiki or a pull request"
    filename = "report.md"

    def render(self, report: Report) -> str:
        lines = [f"# FLOPs of {report.model}", "", _markdown_workload(report), ""]
        for stage, series, comparisons in _by_stage(report):
            lines += [f"## {stage.title}", "", *_markdown_series(series, comparisons), ""]
            lines += executed_text.markdown(_executed(report, stage))
            for c in comparisons:
                if c.verdict != "no_vendor_match":
                    lines += [*_markdown_comparison(c), ""]
        lines += [f"{verdict(report)[0].upper()}{verdict(report)[1:]}.", ""]
        lines += ["## Provenance", "", *_markdown_provenance(report)]
        return "\n".join(lines)


def _markdown_workload(report: Report) -> str:
    return f"Settings: {', '.join(f'`{item}`' for item in _settings(report)) or 'none'}."


def _integer(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _markdown_series(series: list[Series], comparisons: list[Comparison]) -> Iterator[str]:
    header = ["series", "TFLOPs", "FLOPs", "tensor", "vector", "torch-visible"]
    padded = any(s.useful_flops is not None for s in series)
    if padded:
        header += ["useful tensor", "executed / useful"]
    rows = []
    for s in series:
        label = s.label + (" (no vendor match)" if _no_match(s, comparisons) else "")
        numbers = (s.flops, s.tensor_flops, s.vector_flops, s.torch_visible_flops)
        row = [label, _value(s), *map(_integer, numbers)]
        if padded:
            ratio = "" if s.executed_ratio is None else f"{s.executed_ratio:.4f}"
            row += [_integer(s.useful_flops), ratio]
        rows.append(row)
    yield from table(header, rows)
    if not comparisons:
        for s in series:
            if s.error:
                yield f"\nNot counted: {s.error}."
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
    if _tells_unseen(comparison):
        yield f"\nUnseen by {comparison.counter}, in TFLOPs: {unseen(comparison)}."


def _markdown_uncounted(uncounted: Iterable[UncountedOp]) -> Iterator[str]:
    for op in uncounted:
        yield f"\nUncounted: `{op.op}` in {op.component}, {op.calls} calls."


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
    for note in provenance.assumptions:
        yield f"- Assumption: {note}"
    for fallback in provenance.fallbacks:
        yield f"- Fallback: {_fallback(fallback)}"


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
        for _stage, series, comparisons in _by_stage(report):
            for s in series:
                own = [getattr(s, name) for name in self._SERIES]
                found = [
                    c for c in comparisons if s.kind == "analytic" and c.attention == s.attention
                ]
                rows: list[Comparison | None] = [*found] or [None]
                for c in rows:
                    writer.writerow([*own, *self._comparison(c)])
        return text.getvalue().rstrip("\n")

    def _comparison(self, comparison: Comparison | None) -> tuple[Any, ...]:
        if comparison is None:
            return (None,) * len(self._COMPARISON)
        c = comparison
        return c.counter, c.vendor_flops, c.difference, c.verdict, c.reason


@hookimpl
def flopbench_reporters() -> list[type[Reporter]]:
    """Contribute the reporters."""
    return [Console, Json, Markdown, Csv]
