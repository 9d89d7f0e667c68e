"""Draw the way from a formula to our number: a waterfall, one bar per named term."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.commands.referee.text import TITLES, no_number, percent, terms_of
from flopbench.errors import UsageError
from flopbench.formulas import Judgement
from flopbench.plotting import COLOURS, SETTINGS, drawing, saved
from flopbench.text import si

_OURS, _MORE, _LESS, _THEIRS = COLOURS[0], COLOURS[1], COLOURS[2], "#777777"
_ROW, _ENDS = 0.42, 1.5
"""Inches of a bar's row, and of title and axis."""


def waterfall(found: Findings, name: str | None = None) -> dict[str, bytes]:
    """Return the picture of a formula, in its first phase, as SVG and PNG, by file name.

    Args:
        name: the formula; None for the one that differs most.

    Raises:
        UsageError: matplotlib is not installed, or the formula has no number.
    """
    phase, each = drawn(found, name)
    with drawing(SETTINGS):
        return dict(saved("waterfall", _figure(found, phase, each)))


def drawn(found: Findings, name: str | None = None) -> tuple[PhaseFindings, Judgement]:
    """Return what a waterfall is of: the first phase that the formula has a number of.

    Raises:
        UsageError: it has none.
    """
    why = ""
    for phase in found.phases:
        named = [each for each in phase.judgements if name in {None, each.formula.name}]
        numbers = [each for each in named if each.flops is not None]
        if numbers:
            counted = phase.counted.flops
            return phase, max(numbers, key=lambda each: abs(Fraction(each.flops or 0) - counted))
        if name is not None and named:
            why = f": it {no_number(named[0])}"
    who = "no formula" if name is None else f"--waterfall {name}: the formula"
    raise UsageError(f"{who} has no number of {found.model} to draw{why}")


def _figure(found: Findings, phase: PhaseFindings, each: Judgement) -> Any:
    from matplotlib.figure import Figure

    bars = _bars(found, phase, each)
    figure = Figure(figsize=(9, _ENDS + _ROW * len(bars)), layout="constrained")
    axes = figure.subplots()
    highest = max(max(start, end) for _, start, end, _ in bars)
    for row, (_, start, end, colour) in enumerate(bars):
        axes.barh(row, end - start, left=start, height=0.7, color=colour)
        axes.text(
            max(start, end) + 0.01 * highest, row, _label(start, end), va="center", fontsize=8
        )
        if row + 1 < len(bars):
            axes.plot([end, end], [row - 0.35, row + 1.35], color="grey", linewidth=0.6)
    axes.set_yticks(range(len(bars)), [bar[0] for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, 1.2 * highest)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.set_xlabel("GFLOPs per token")
    reference = phase.reference(found.against).flops
    axes.set_title(
        f"{found.model}, {TITLES[phase.phase]}: from {each.formula.name} to {found.against} "
        f"({percent(each.flops or 0, reference)})",
        fontsize=10,
        loc="right",
    )
    return figure


def _label(start: float, end: float) -> str:
    """Return what a bar says: a total, or the change with its sign."""
    size = si(abs(end - start) * 1e9, "FLOPs")
    return f"{'-' if end < start else '+'}{size}" if start else size


def _bars(
    found: Findings, phase: PhaseFindings, each: Judgement
) -> list[tuple[str, float, float, str]]:
    """Return each bar's name, start, end and colour: the formula, its terms undone, our number."""
    at = phase.per_token(each.flops or 0)
    bars = [(each.formula.name, 0.0, _giga(at), _THEIRS)]
    for term, amount in terms_of(found, phase, each):
        after = at - amount
        bars.append((term, _giga(at), _giga(after), _MORE if amount > 0 else _LESS))
        at = after
    return [*bars, (found.against, 0.0, _giga(at), _OURS)]


def _giga(amount: Any) -> float:
    return float(amount) / 1e9
