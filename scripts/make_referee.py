"""Write the tables of eight models in docs/referee.md: every formula, and why it differs.

Run `python scripts/make_referee.py` after a change of a formula, a term or a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from decoder_configs import MODELS, settings_of

import flopbench
from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.commands.referee.text import percent, shown, signed, terms_of
from flopbench.text import table

PAGE = Path(__file__).parents[1] / "docs" / "referee.md"
IMAGE = PAGE.parent / "images" / "referee-waterfall.svg"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->"
CONTEXT = 8192
"""Tokens of the one sequence; GPT-2 has 1024 positions, DeepSeek-OCR a page."""

COLUMNS = ("formula", "FLOPs per token", "to counted", "to useful", "more or less than counted")

LONGEST = {"GPT-2": 1024}


def findings(name: str) -> Findings:
    """Return what the referee finds of a model of the page."""
    model, fields = MODELS[name]
    context = {"context_tokens": LONGEST.get(name, CONTEXT)}
    return flopbench.referee(
        model,
        workload=None if model == "deepseek_ocr" else context,
        model_options=settings_of(model, fields),
    )


def tables() -> str:
    """Return our numbers for all models, then a table of formulas for each."""
    found = {name: findings(name) for name in MODELS}
    header = ("model", "context", "counted", "useful", "executed (full recomputation)")
    lines = [*table(header, (_ours(name, each.phases[0]) for name, each in found.items()))]
    for name, each in found.items():
        if each.unexplained:
            raise SystemExit(f"{name}: unexplained: {', '.join(each.unexplained)}")
        lines += ["", f"### {name}", "", *table(COLUMNS, _theirs(each, each.phases[0]))]
    return "\n".join(lines) + "\n"


def _ours(name: str, phase: PhaseFindings) -> Iterator[str]:
    yield from (name, f"{phase.facts.sequence:,}")
    yield from (shown(phase.per_token(reference.flops)) for reference in phase.references)


def _theirs(found: Findings, phase: PhaseFindings) -> Iterator[list[str]]:
    counted, useful, _ = phase.references
    for each in phase.judgements:
        name = f"`{each.formula.name}`"
        if each.flops is None:
            yield [name, "", "", "", f"does not apply: {each.reason}"]
            continue
        terms = terms_of(found, phase, each)
        why = "; ".join(f"{term} {signed(amount)}" for term, amount in terms) or "nothing"
        differences = (percent(each.flops, ours.flops) for ours in (counted, useful))
        yield [name, shown(phase.per_token(each.flops)), *differences, why]


def updated(text: str) -> str:
    """Return the page with current tables."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{tables()}{END}{rest.partition(END)[2]}"


def picture() -> bytes:
    """Return the waterfall that the page shows."""
    from flopbench.commands.referee.plots import waterfall

    return waterfall(findings("Llama-3-8B"), "chinchilla")["waterfall.svg"]


if __name__ == "__main__":
    IMAGE.write_bytes(picture())
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
