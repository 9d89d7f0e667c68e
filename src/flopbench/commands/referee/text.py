"""Render what the referee found: for the console and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.formulas import Amount, Judgement
from flopbench.text import plural, table, wrapped

REFEREE_SCHEMA_VERSION = "1.0"

UNEXPLAINED = "UNEXPLAINED"
"""What no term accounts for."""

_SMALL = 0.01
"""Per cent: a smaller difference is shown with two digits."""

_COMPARE = "compare an MFU only with claims of the same numerator"

TITLES = {"train": "training step", "prefill": "prefill", "decode": "decoding"}


def console(found: Findings) -> str:
    """Return the text for a terminal."""
    lines: list[str] = []
    for phase in found.phases:
        lines += [wrapped(title(found, phase)), "", *_table(found, phase), ""]
        lines += [f"more or less than {found.against}, in FLOPs per token:"]
        lines += [wrapped(text, first="  ", indent="    ") for text in _differences(found, phase)]
        lines += [""]
    lines += [wrapped(text) for text in remarks(found)]
    if claims := _claims(found):
        lines += ["", f"{_COMPARE}:"]
        lines += [wrapped(text, first="  ", indent="    ") for text in claims]
    return "\n".join(lines).rstrip("\n")


def markdown(found: Findings) -> str:
    """Return tables for a wiki or a pull request."""
    lines = [f"# Formulas of the FLOPs of {found.model}", ""]
    for phase in found.phases:
        lines += [f"{title(found, phase)}.", "", *_markdown_table(found, phase), ""]
        lines += [f"More or less than {found.against}, in FLOPs per token:", ""]
        lines += [f"- {text}" for text in _differences(found, phase)]
        lines += ["", *table(("formula", "what it counts", "source"), _sources(phase)), ""]
    lines += [f"{text}.\n" for text in remarks(found)]
    if claims := _claims(found):
        lines += [f"C{_COMPARE[1:]}:", "", *(f"- {text}" for text in claims)]
    return "\n".join(lines).rstrip("\n")


def as_json(found: Findings) -> str:
    """Return everything, for programs."""
    return found.to_json()


def as_html(found: Findings) -> str:
    """Return one HTML file, for a browser."""
    from flopbench.commands.referee.page import to_html

    return to_html(found)


FORMATS: Mapping[str, Callable[[Findings], str]] = {
    "console": console,
    "json": as_json,
    "markdown": markdown,
    "html": as_html,
}
"""How findings can be shown, by the name that ``--format`` takes."""


def title(found: Findings, phase: PhaseFindings) -> str:
    """Return what a table is about."""
    facts = phase.facts
    sizes = f"{plural(facts.batch, 'sequence')} of {facts.sequence:,} tokens"
    if facts.decoding:
        sizes += f", {plural(facts.steps, 'step')}"
    return f"{found.model}, {TITLES[phase.phase]}, {sizes}: matrix FLOPs per token"


def shown(amount: Amount) -> str:
    """Return a number of FLOPs: exact if it is whole, or else two decimals."""
    if amount.denominator == 1:
        return f"{int(amount):,}"
    return f"{Decimal(amount.numerator) / Decimal(amount.denominator):,.2f}"


def signed(amount: Amount) -> str:
    """Return a difference with its sign."""
    return f"+{shown(amount)}" if amount > 0 else shown(amount)


def percent(amount: Amount, of: Amount) -> str:
    """Return by how much a number differs from another, in per cent."""
    if amount == of:
        return "0"
    share = float(100 * Fraction(amount - of) / of)
    return f"{share:+.2f} %" if abs(share) >= _SMALL else f"{share:+.2g} %"


def terms_of(found: Findings, phase: PhaseFindings, each: Judgement) -> list[tuple[str, Amount]]:
    """Return the terms of a formula's difference, per token, the largest first."""
    named = each.terms[found.against].items()
    terms: list[tuple[str, Amount]] = [(str(term), phase.per_token(n)) for term, n in named]
    terms.sort(key=lambda term: abs(Fraction(term[1])), reverse=True)
    rest = each.unexplained - phase.reference(found.against).unexplained
    if rest:
        terms.append((UNEXPLAINED, phase.per_token(rest)))
    return terms


def _rows(found: Findings, phase: PhaseFindings) -> Iterator[list[str]]:
    """Yield our numbers, then each formula's: name, FLOPs, differences, MFU."""
    named = [(each.name, each.flops, True) for each in phase.references]
    named += [(j.formula.name, j.flops, False) for j in phase.judgements if j.flops is not None]
    for name, flops, ours in named:
        row = [name, shown(phase.per_token(flops))]
        row += [percent(flops, reference.flops) for reference in phase.references[:2]]
        if found.rate:
            share = found.rate.share(flops, phase.facts.tokens)
            row.append(f"{100 * share:.2f} %")
        yield [*row, "ours" if ours else ""]


def _header(found: Findings) -> list[str]:
    rate = ["MFU"] if found.rate else []
    return ["", "FLOPs per token", "to counted", "to useful", *rate]


def _table(found: Findings, phase: PhaseFindings) -> Iterator[str]:
    rows = [_header(found), *(row[:-1] for row in _rows(found, phase))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *numbers = row
        cells = [f"{first:<{widths[0]}}"]
        cells += [f"{number:>{width}}" for number, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()


def _markdown_table(found: Findings, phase: PhaseFindings) -> Iterator[str]:
    rows = ([f"**{r[0]}**" if r[-1] else f"`{r[0]}`", *r[1:-1]] for r in _rows(found, phase))
    yield from table(["formula", *_header(found)[1:]], rows)


def _differences(found: Findings, phase: PhaseFindings) -> Iterator[str]:
    """Yield why each formula differs."""
    for each in phase.judgements:
        name = each.formula.name
        if each.flops is None:
            yield f"{name}: {no_number(each)}"
            continue
        terms = terms_of(found, phase, each)
        parts = "; ".join(f"{term} {signed(amount)}" for term, amount in terms)
        yield f"{name}: {parts or 'nothing'}"


def no_number(each: Judgement) -> str:
    """Return why a formula has no number."""
    return f"failed: {each.failure}" if each.failure else f"does not apply: {each.reason}"


def _sources(phase: PhaseFindings) -> Iterator[list[str]]:
    for each in phase.judgements:
        origin = each.formula.origin
        source = f"[{origin.project}]({origin.link}), {origin.version}"
        yield [f"`{each.formula.name}`", each.formula.counts, source]


def remarks(found: Findings) -> Iterator[str]:
    """Yield what the numbers are, and what a reader must know."""
    for reference in {r.meaning: r for p in found.phases for r in p.references}.values():
        yield f"{reference.name}: {reference.meaning}"
    if found.rate:
        yield from _about_rate(found)
    for note in found.notes:
        yield f"note: {note}"
    for name in found.unexplained:
        yield f"{name} is not what it declares: a part of its number is unexplained"


def _about_rate(found: Findings) -> Iterator[str]:
    rate = found.rate
    if rate is None:
        return
    yield (
        f"MFU: {rate.tokens_per_second:,.10g} tokens/s on {plural(rate.gpus, 'GPU')} of "
        f"{rate.peak / 10**12:,.10g} TFLOP/s, the dense {rate.dtype} peak of {rate.title} "
        f"({rate.source or 'no source given'})"
    )
    above = [
        name
        for phase in found.phases
        for name, flops in _numbers(phase).items()
        if rate.share(flops, phase.facts.tokens) > 1
    ]
    if above:
        yield (
            f"above 100 %: {', '.join(above)}: no GPU exceeds its peak, so the numerator counts "
            "work that was not done, or the rate or the number of GPUs is wrong"
        )


def _numbers(phase: PhaseFindings) -> dict[str, Amount]:
    ours = {each.name: each.flops for each in phase.references}
    theirs = {j.formula.name: j.flops for j in phase.judgements if j.flops is not None}
    return ours | theirs


def _claims(found: Findings) -> list[str]:
    """Return what an MFU by each formula may be compared with, if a rate was measured."""
    if found.rate is None:
        return []
    judgements = [each for phase in found.phases for each in phase.judgements]
    return [
        f"{each.formula.name}: {each.formula.claims}"
        for each in judgements
        if each.formula.claims and each.flops is not None
    ]
