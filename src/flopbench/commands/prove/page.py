"""A proof as one HTML file: both laws of each component side by side."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench.commands.prove.proof import FAILURES, Equation, Proof
from flopbench.commands.prove.text import by_stage, for_every, settings, verdict
from flopbench.pages import (
    Block,
    Column,
    Lines,
    Page,
    Section,
    Table,
    Verdict,
    as_text,
    html,
)
from flopbench.pages.blocks import Tone
from flopbench.text import key_values

_LAWS = ("vendor", "analytic", "difference")


def to_html(proof: Proof) -> str:
    """Return the page of a proof."""
    return html(page(proof))


def page(proof: Proof) -> Page:
    """Return what the page of a proof shows."""
    stages = [
        Section(
            f"{stage.title}: {whole.verdict}{for_every(whole)}",
            [_table((whole, *components)), *_said((whole, *components))],
        )
        for stage, whole, components in by_stage(proof)
    ]
    tone: Tone = (
        "bad" if proof.verdict in FAILURES else "good" if proof.verdict == "proved" else "neutral"
    )
    return Page(
        title=f"Cost laws of {proof.model}",
        verdict=Verdict(verdict(proof).removeprefix("verdict: "), tone),
        about=[" ".join(settings(proof))],
        sections=[
            Section("Sizes", [_symbols(proof)]),
            *stages,
            Section("Notes", [*_versions(proof), as_text(proof.text())]),
        ],
        data=proof.to_dict(),
    )


def _symbols(proof: Proof) -> Table:
    columns = [Column("symbol"), Column("meaning"), Column("at least", "plain")]
    return Table("Open sizes", columns, [[s.name, s.meaning, s.minimum] for s in proof.sizes])


def _table(equations: tuple[Equation, ...]) -> Table:
    columns = [Column("component"), Column("verdict")]
    columns += [Column(f"{name} FLOPs" if name != "difference" else name, "law") for name in _LAWS]
    rows = [
        [
            e.component or "whole stage",
            e.verdict,
            *(None if form is None else str(form) for form in (e.vendor, e.analytic, e.difference)),
        ]
        for e in equations
    ]
    return Table("The law of each component", columns, rows)


def _said(equations: tuple[Equation, ...]) -> Iterator[Block]:
    lines = [f"{e.component or e.stage}: {e.reason}" for e in equations if e.reason]
    lines += [
        f"{e.component or e.stage}: coefficient of {term.term}: vendor {term.vendor}, "
        f"analytic {term.analytic}, difference {term.difference}"
        for e in equations
        for term in e.terms
    ]
    if lines:
        yield Lines("Why it is not proved", lines)
    if assumed := equations[0].assumptions:
        yield Lines(f"Assumed ({len(assumed)})", assumed, closed=len(assumed) > 5)  # noqa: PLR2004


def _versions(proof: Proof) -> Iterator[Block]:
    if proof.assumptions:
        yield Lines("Assumed for the whole model", proof.assumptions)
    settled = [*key_values(proof.versions), *key_values(proof.vendor, "vendor.")]
    yield Lines("Versions", settled, monospace=True, closed=True)
