"""What reporters share: how series, comparisons and verdicts read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flopbench import Stage
from flopbench.builtin.reporters.alike import how_many_differ
from flopbench.report import FAILURES, Comparison, ExecutedComponent, Report, Series, left_out
from flopbench.text import key_values, listed, plural, tera
from flopbench.training_step import changed

_UNSEEN_SHOWN = 3


def by_stage(report: Report) -> Iterator[tuple[Stage, list[Series], list[Comparison]]]:
    """Yield each stage with its series and its comparisons."""
    for stage in report.stages:
        yield (
            stage,
            [s for s in report.series if s.stage == stage.name],
            [c for c in report.comparisons if c.stage == stage.name],
        )


def executed_parts(report: Report, stage: Stage) -> list[ExecutedComponent]:
    """Return what was executed of a stage, by component."""
    return [part for part in report.executed if part.stage == stage.name]


def has_no_match(series: Series, comparisons: Iterable[Comparison]) -> bool:
    """Return whether a series is not compared because the vendor runs other attention."""
    return series.kind == "analytic" and any(
        c.attention == series.attention and c.verdict == "no_vendor_match" for c in comparisons
    )


def no_match_note(report: Report) -> str | None:
    """Return the note that explains ``no vendor match``; None if no series is marked so."""
    counters = {c.counter for c in report.comparisons if c.verdict == "no_vendor_match"}
    runs = dict.fromkeys(s.attention for s in report.series if s.counter in counters)
    if not runs:
        return None
    return f"no vendor match: not compared, because the vendor runs {listed(runs, 'or')} attention"


_RATES = ("peak_tflops", "bandwidth_gbps", "memory_gb", "compute_dtype")
"""Settings that change what the table says of a GPU; the others are told with the bounds."""


def settings(report: Report) -> Iterator[str]:
    """Yield the workload, and the settings of all that changes the numbers."""
    yield from key_values(report.workload)
    config = report.provenance.config
    for section in ("model", "dtypes", "train", "vendor"):
        values = config.get(section, {})
        yield from key_values(changed(values) if section == "train" else values, f"{section}.")
    hardware = config.get("hardware", {})
    yield from key_values({name: hardware.get(name) for name in _RATES}, "hardware.")


def reconciliation(comparison: Comparison) -> str:
    """Describe the outcome of a comparison in one line."""
    who = f"{comparison.attention} = vendor ({comparison.counter})"
    if comparison.verdict == "exact":
        return (
            f"exact: {who} in each of {len(comparison.components)} components, "
            f"{comparison.vendor_flops:,} {comparison.unit}s{_by_own(comparison)}, difference 0"
        )
    reason = how_many_differ(comparison) or comparison.reason
    return f"{comparison.verdict}: {comparison.attention}, {comparison.counter}: {reason}"


def _by_own(comparison: Comparison) -> str:
    """Say which part of the vendor's number is the library's, if own formulas gave the rest."""
    if not comparison.own_formula_flops:
        return ""
    library, own = comparison.counter_flops, comparison.own_formula_flops
    return f" ({library:,} by {comparison.counter} itself, {own:,} by own formulas)"


def part_by_own(series: Series) -> str | None:
    """Say which part of a vendor series own formulas gave; None if they gave none."""
    own = series.own_formula_flops
    if not own or series.flops is None:
        return None
    return f"{series.flops - own:,} by {series.counter} itself, {own:,} by own formulas"


def own_formulas(report: Report) -> list[str]:
    """Say what own formulas gave some of the numbers, one sentence each."""
    every = (formula for used in report.own_formulas.values() for formula in used)
    return list(dict.fromkeys(map(str, every)))


def has_unseen(comparison: Comparison) -> bool:
    """Return whether the stage was counted, and some of its work was not seen."""
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
    """Describe how much of the tensor work that kernels execute is useful."""
    useful, tensor = series.useful_flops or 0, series.tensor_flops or 0
    ratio = "" if series.executed_ratio is None else f", {series.executed_ratio:.4f} times as much"
    return f"tensor work: {tera(tensor)} executed for {tera(useful)} useful{ratio}"


def value(series: Series) -> str:
    """Return a series' number in tera, with its unit if that is not FLOP."""
    if series.flops is None:
        return "not counted"
    unit = "" if series.unit == "FLOP" else f" (unit: {series.unit})"
    return tera(series.flops) + unit


def verdict(report: Report) -> str:
    """Summarize the whole report in one line."""
    if report.verdict == "not_checked":
        if report.no_closed_forms:
            return f"verdict: nothing was checked: {report.no_closed_forms}"
        if reasons := "; ".join(map(str, left_out(report))):
            return f"verdict: nothing was checked: {reasons}"
        return "verdict: nothing was checked against a vendor"
    if report.verdict == "verified":
        stages = {c.stage for c in report.comparisons if c.verdict == "exact"}
        where = plural(len(stages), "stage")
        return f"verdict: {report.verdict_text}, vendor = analytic to the last FLOP in {where}"
    reason = f"; {report.no_closed_forms}" if report.no_closed_forms else ""
    return f"verdict: not verified: {'; '.join(_failed(report))}{reason}"


_WORST_FIRST = ("differs", "not counted", "uncounted ops", "incomplete")
"""What keeps a stage from being verified; later ones may follow from earlier ones."""


def _failed(report: Report) -> Iterator[str]:
    """Yield the stages that are not verified, each once, with the worst finding of each counter."""
    found = {(s.stage, s.counter, "not counted") for s in report.series if s.error}
    found |= {(s.stage, s.counter, "uncounted ops") for s in report.series if s.uncounted}
    found |= {(c.stage, c.counter, c.verdict) for c in report.comparisons if c.verdict in FAILURES}
    alike: dict[str, list[str]] = {}
    for stage in report.stages:
        by_state: dict[str, list[str]] = {}
        for counter in counters(report):
            worst = [state for state in _WORST_FIRST if (stage.name, counter, state) in found]
            if worst:
                by_state.setdefault(worst[0], []).append(counter)
        if by_state:
            why = ", ".join(f"{', '.join(names)}: {state}" for state, names in by_state.items())
            alike.setdefault(why, []).append(stage.name)
    for why, stages in alike.items():
        yield f"{', '.join(stages)} ({why})"


def counters(report: Report) -> list[str]:
    """Return the names of the counters, in the order of the report."""
    return list(dict.fromkeys(s.counter for s in report.series if s.counter))
