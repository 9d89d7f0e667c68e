"""The report as one HTML file: tables that sort, trees to click, and charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from flopbench import Reporter
from flopbench.builtin.reporters import costs, memory
from flopbench.builtin.reporters.alike import differing, without_formula
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.shared import (
    by_stage,
    has_unseen,
    no_match_note,
    own_formulas,
    reconciliation,
    settings,
    unseen,
    verdict,
)
from flopbench.builtin.reporters.trees import series_tree
from flopbench.pages import (
    Block,
    Chart,
    Column,
    Lines,
    Measure,
    Page,
    Section,
    Table,
    Trees,
    Verdict,
    html,
)
from flopbench.pages.blocks import Cell, Tone
from flopbench.report import Comparison, Report, Series
from flopbench.tally import sums
from flopbench.text import key_values
from flopbench.values.node import Node

TONES: dict[str, Tone] = {"verified": "good", "not_verified": "bad", "not_checked": "neutral"}

_COSTS = {
    "expected_bytes_moved": "bytes moved",
    "weight_bytes": "weights",
    "kv_cache_bytes": "KV cache",
    "peak_activation_bytes": "peak activations",
    "largest_tensor_bytes": "largest tensor",
}


class Html(Reporter):
    """One file for a browser, which needs no network."""

    name = "html"
    summary = "one HTML file: tables that sort, trees to click, charts; no network"
    filename = "report.html"
    shows_laws = True

    def render(self, report: Report) -> str:
        return html(page(report))


def page(report: Report) -> Page:
    """Return what the page of a report shows."""
    stages = (
        Section(stage.title, tuple(_stage(series, comparisons, _laws(report, stage.name))))
        for stage, series, comparisons in by_stage(report)
    )
    return Page(
        title=f"FLOPs of {report.model}",
        verdict=Verdict(verdict(report).removeprefix("verdict: "), TONES[report.verdict]),
        about=[" ".join(settings(report))],
        sections=[
            Section("Stages", tuple(_overview(report))),
            *stages,
            Section("Notes", tuple(_notes(report))),
        ],
        data=report.to_dict(),
    )


def _overview(report: Report) -> Iterator[Block]:
    titles = {stage.name: stage.title for stage in report.stages}
    yield _series_table(report.series, titles)
    labels = dict.fromkeys(s.label for s in report.series if s.unit == "FLOP")
    found = {(s.label, s.stage): s for s in report.series}
    flops = {label: [_flops(found.get((label, stage))) for stage in titles] for label in labels}
    moved = {
        s.label: [_cost(found.get((s.label, stage)), "expected_bytes_moved") for stage in titles]
        for s in report.series
        if s.costs
    }
    measures = [Measure("FLOPs", "FLOP", flops), Measure("bytes moved", "B", moved)]
    shown = [measure for measure in measures if measure.series]
    yield Chart("Stages side by side", "stage", list(titles.values()), shown)
    heading, *lines = [*costs.deployment(report)] or [""]
    lines += costs.required(report)
    if lines:
        yield Lines(heading.rstrip(":") or "What the targets ask for", lines)


def _series_table(series: Sequence[Series], titles: dict[str, str]) -> Table:
    columns = [Column("stage"), Column("series")]
    columns += [Column(name, "number", "FLOP") for name in ("FLOPs", "tensor", "vector")]
    columns += [Column(name, "number", "B") for name in _COSTS.values()]
    columns += [Column("FLOP/B", "number")]
    rows: list[list[Cell]] = []
    for s in series:
        numbers: list[Cell] = [s.flops, s.tensor_flops, s.vector_flops]
        if s.unit != "FLOP":  # a column has one unit
            numbers = [None if s.flops is None else f"{s.flops:,} {s.unit}", None, None]
        held = [_cost(s, name) for name in (*_COSTS, "flops_per_byte")]
        rows.append([titles[s.stage], s.label, *numbers, *held])
    return Table("FLOPs and bytes", columns, rows)


def _flops(series: Series | None) -> int | None:
    return None if series is None else series.flops


def _cost(series: Series | None, name: str) -> Any:
    return None if series is None or series.costs is None else series.costs.get(name)


Laws = dict[str, dict[str, str]]
"""Closed forms by attention mode, then by component."""


def _laws(report: Report, stage: str) -> Laws:
    found: Laws = {}
    for law in report.laws:
        if law.stage == stage:
            found.setdefault(law.attention, {})[law.component] = law.form
    return found


def _stage(series: list[Series], comparisons: list[Comparison], laws: Laws) -> Iterator[Block]:
    compared = [c for c in comparisons if c.verdict != "no_vendor_match"]
    said = [line for c in compared for line in _said(c)]
    said += [f"{s.label}: {s.error}" for s in series if s.error]
    said += [line for s in series if not comparisons for line in without_formula(s.uncounted)]
    said += [*costs.lines(series), *memory.lines(series)]
    yield Lines("What was found", said)
    trees = {
        s.label: _with_laws(series_tree(s, comparisons), laws.get(s.attention, {}))
        for s in series
        if s.flops
    }
    if trees:
        yield Trees("Where the FLOPs are", trees)
    yield _components(series, compared, laws)


def _said(c: Comparison) -> Iterator[str]:
    yield reconciliation(c)
    yield from differing(c)
    yield from (f"uncounted: {line}" for line in without_formula(c.uncounted))
    if has_unseen(c):
        yield f"unseen by {c.counter}, in TFLOPs: {unseen(c)}"


def _with_laws(node: Node, laws: Mapping[str, str], path: str = "") -> Node:
    """Return a tree whose components have their closed forms as notes."""
    children = tuple(
        _with_laws(child, laws, f"{path}/{child.name}" if path else child.name)
        for child in node.children
    )
    note = f"matrix work: {laws[path]}" if path in laws else node.note
    return attrs.evolve(node, children=children, note=note)


def _components(series: list[Series], compared: list[Comparison], laws: Laws) -> Table:
    """Return the table of components: each series, how each comparison ends, and the law."""
    by_series = {s.label: _by_component(s) for s in series if s.breakdown and s.unit == "FLOP"}
    labels = {c.counter: _compared(c) for c in compared if c.components and c.unit == "FLOP"}
    names = dict.fromkeys(name for found in by_series.values() for name in found)
    columns = [Column("component"), *(Column(label, "number", "FLOP") for label in by_series)]
    columns += [Column(f"analytic - {counter}", "number", "FLOP") for counter in labels]
    columns += [Column(f"law of matrix work, {mode}", "law") for mode in laws]
    rows = [
        [
            name,
            *(found.get(name) for found in by_series.values()),
            *(found.get(name) for found in labels.values()),
            *(found.get(name) for found in laws.values()),
        ]
        for name in names
    ]
    return Table("Components", columns, rows)


def _by_component(series: Series) -> dict[str, int]:
    return sums((entry.component, entry.flops) for entry in series.breakdown)


def _compared(comparison: Comparison) -> dict[str, int]:
    return {c.component: c.difference for c in comparison.components}


def _notes(report: Report) -> Iterator[Block]:
    provenance = report.provenance
    note = no_match_note(report)
    lines = [*([note] if note else []), *own_formulas(report), *report.notes]
    lines += [f"fallback: {fallback}" for fallback in provenance.fallbacks]
    lines += [f"assumed: {text}" for text in provenance.assumptions]
    if lines:
        yield Lines("What to know of these numbers", lines)
    settled = [*key_values(provenance.versions), *key_values(provenance.vendor, "vendor.")]
    settled += key_values(provenance.config)
    yield Lines("Versions and settings", settled, monospace=True, closed=True)
    yield Lines("The same as text", [Console().render(report)], monospace=True, closed=True)
