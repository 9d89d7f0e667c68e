"""What reporters share: how series, comparisons and verdicts read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flopbench import Stage
from flopbench.report import FAILURES, Comparison, ExecutedComponent, Report, Series
from flopbench.text import key_values, plural, tera

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
    """Return whether a series is not comparable: the vendor runs other attention."""
    return series.kind == "analytic" and any(
        c.attention == series.attention and c.verdict == "no_vendor_match" for c in comparisons
    )


def settings(report: Report) -> Iterator[str]:
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


def has_unseen(comparison: Comparison) -> bool:
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


def value(series: Series) -> str:
    """Return a series' FLOPs in tera, with the unit if it is another."""
    if series.flops is None:
        return "not counted"
    unit = "" if series.unit == "FLOP" else f" (unit: {series.unit})"
    return tera(series.flops) + unit


def verdict(report: Report) -> str:
    """Say in one line what the whole report shows."""
    if report.verdict == "not_checked":
        if report.no_closed_forms:
            return f"verdict: nothing was checked: {report.no_closed_forms}"
        return "verdict: nothing was checked against a vendor"
    if report.verdict == "verified":
        stages = {c.stage for c in report.comparisons if c.verdict == "exact"}
        where = plural(len(stages), "stage")
        return f"verdict: verified, vendor = analytic to the last FLOP in {where}"
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
