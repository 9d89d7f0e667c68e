"""Findings as one HTML file: each formula beside our numbers, with what it leaves out or adds."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.commands.referee.text import no_number, remarks, terms_of, title
from flopbench.formulas import Amount, Judgement
from flopbench.pages import (
    Block,
    Chart,
    Column,
    Lines,
    Measure,
    Page,
    Section,
    Table,
    Verdict,
    as_text,
    html,
)
from flopbench.pages.blocks import Cell, Number


def to_html(found: Findings) -> str:
    """Return the page of findings."""
    return html(page(found))


def page(found: Findings) -> Page:
    """Return what the page of findings shows."""
    phases = [Section(title(found, phase), tuple(_phase(found, phase))) for phase in found.phases]
    return Page(
        title=f"Formulas of the FLOPs of {found.model}",
        verdict=_verdict(found),
        sections=[
            *phases,
            Section(
                "Notes", [Lines("What the numbers are", [*remarks(found)]), as_text(found.text())]
            ),
        ],
        data=found.to_dict(),
    )


def _verdict(found: Findings) -> Verdict:
    wrong = (*found.failed, *found.unexplained)
    if wrong:
        return Verdict(f"failed, or not what they declare: {', '.join(wrong)}", "bad")
    return Verdict("every difference has a name", "good")


def _phase(found: Findings, phase: PhaseFindings) -> Iterator[Block]:
    named = {r.name: r.flops for r in phase.references}
    numbers = {j.formula.name: j.flops for j in phase.judgements if j.flops is not None}
    all_numbers = {**named, **numbers}
    per_token = [_number(phase.per_token(flops)) for flops in all_numbers.values()]
    measures = [Measure("matrix FLOPs per token", "FLOP", {"FLOPs per token": per_token})]
    measures += [_terms(found, phase, numbers)]
    yield Chart("Formulas side by side", "formula", list(all_numbers), measures)
    yield _numbers(found, phase, all_numbers)
    yield _differences(found, phase)
    without = [j for j in phase.judgements if j.flops is None]
    if without:
        yield Lines("Without a number", [f"{j.formula.name}: {no_number(j)}" for j in without])
    yield _sources(phase)


def _terms(found: Findings, phase: PhaseFindings, numbers: dict[str, Amount]) -> Measure:
    """Return how much each formula is off, in per cent of the number it is held against."""
    against = phase.reference(found.against).flops
    names = [*(r.name for r in phase.references), *numbers]
    flops = {**{r.name: r.flops for r in phase.references}, **numbers}
    off = [float(100 * (flops[name] - against) / against) if against else None for name in names]
    return Measure(f"difference to {found.against}", "%", {f"to {found.against}": off})


def _numbers(found: Findings, phase: PhaseFindings, numbers: dict[str, Amount]) -> Table:
    held = phase.references[:2]
    columns = [Column("formula"), Column("FLOPs per token", "number", "FLOP")]
    columns += [Column("FLOPs of the batch", "number", "FLOP")]
    columns += [Column(f"to {each.name}", "percent") for each in held]
    columns += [Column("MFU", "percent")] if found.rate else []
    rows = []
    for name, flops in numbers.items():
        row: list[Cell] = [name, _number(phase.per_token(flops)), _number(flops)]
        row += [float((flops - each.flops) / each.flops) for each in held if each.flops]
        row += [found.rate.share(flops, phase.facts.tokens)] if found.rate else []
        rows.append(row)
    return Table("FLOPs by each formula", columns, rows)


def _differences(found: Findings, phase: PhaseFindings) -> Table:
    columns = [Column("formula"), Column("term")]
    columns += [Column("more or less per token", "number", "FLOP")]
    rows: list[list[Cell]] = [
        [each.formula.name, term, _number(amount)]
        for each in phase.judgements
        if each.flops is not None
        for term, amount in terms_of(found, phase, each)
    ]
    return Table(f"More or less than {found.against}", columns, rows)


def _sources(phase: PhaseFindings) -> Table:
    def row(each: Judgement) -> list[Cell]:
        origin = each.formula.origin
        return [
            each.formula.name,
            each.formula.counts,
            f"{origin.project}, {origin.version}",
            origin.link,
        ]

    columns = [Column(name) for name in ("formula", "what it counts", "source", "address")]
    return Table("Sources", columns, [row(each) for each in phase.judgements])


def _number(amount: Amount) -> Number:
    return int(amount) if amount.denominator == 1 else float(amount)
