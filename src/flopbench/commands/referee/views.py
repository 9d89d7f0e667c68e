"""Findings as data: their JSON form, their rows, and the tree that a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flopbench.commands.referee.findings import Findings, PhaseFindings
from flopbench.commands.referee.text import REFEREE_SCHEMA_VERSION, TITLES, no_number, signed
from flopbench.formulas import Amount, Judgement
from flopbench.values import Node


def as_dict(found: Findings) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "schema_version": REFEREE_SCHEMA_VERSION,
        "model": found.model,
        "against": found.against,
        "rate": None if found.rate is None else attrs.asdict(found.rate),
        "notes": list(found.notes),
        "phases": [_phase(found, phase) for phase in found.phases],
    }


def _phase(found: Findings, phase: PhaseFindings) -> dict[str, Any]:
    facts = phase.facts
    return {
        "phase": phase.phase,
        "stage": phase.stage,
        "batch": facts.batch,
        "sequence": facts.sequence,
        "steps": facts.steps,
        "tokens": facts.tokens,
        "parameters": {"all": facts.parameters.all, "active": facts.parameters.active},
        "references": [
            {
                "name": each.name,
                "meaning": each.meaning,
                "flops": exact(each.flops),
                "mfu": _share(found, phase, each.flops),
                "unexplained": exact(each.unexplained),
            }
            for each in phase.references
        ],
        "formulas": [_formula(found, phase, each) for each in phase.judgements],
    }


def _formula(found: Findings, phase: PhaseFindings, each: Judgement) -> dict[str, Any]:
    formula = each.formula
    return {
        "name": formula.name,
        "counts": formula.counts,
        "claims": formula.claims,
        "origin": attrs.asdict(formula.origin),
        "flops": None if each.flops is None else exact(each.flops),
        "reason": each.reason,
        "failure": each.failure,
        "mfu": None if each.flops is None else _share(found, phase, each.flops),
        "unexplained": exact(each.unexplained),
        "differences": {
            name: {str(term): exact(amount) for term, amount in terms.items()}
            for name, terms in each.terms.items()
        },
    }


def exact(amount: Amount) -> int | str:
    """Return a whole number as it is, and any other as the text of a fraction."""
    return amount if isinstance(amount, int) else str(amount)


def _share(found: Findings, phase: PhaseFindings, flops: Amount) -> float | None:
    return None if found.rate is None else found.rate.share(flops, phase.facts.tokens)


def rows(found: Findings) -> Iterator[dict[str, Any]]:
    """Yield a row per number of ours, per formula, and per term of a formula's difference."""
    for phase in found.phases:
        head = {"phase": phase.phase}
        for reference in phase.references:
            yield _row(head, reference.name, "total", "", reference.flops)
        for each in phase.judgements:
            name = each.formula.name
            if each.flops is None:
                yield {**_row(head, name, "total", "", 0), "flops": None}
                continue
            yield _row(head, name, "total", "", each.flops)
            for against, terms in each.terms.items():
                for term, amount in terms.items():
                    yield _row(head, name, f"to {against}", str(term), amount)


def _row(head: Mapping[str, Any], name: str, what: str, term: str, flops: Amount) -> dict[str, Any]:
    return {**head, "name": name, "what": what, "term": term, "flops": exact(flops)}


def tree(found: Findings) -> Node:
    """Return each formula with the terms of its difference, in FLOPs of the whole batch."""
    phases = tuple(
        Node(
            TITLES[phase.phase],
            None,
            (
                *(Node(r.name, int(r.flops), (), r.meaning) for r in phase.references),
                *(_node(found, each) for each in phase.judgements),
            ),
        )
        for phase in found.phases
    )
    return Node(f"formulas of the FLOPs of {found.model}", None, phases)


def _node(found: Findings, each: Judgement) -> Node:
    if each.flops is None:
        return Node(each.formula.name, None, (), no_number(each))
    terms = each.terms[found.against].items()
    parts = (f"{term} {signed(amount)}" for term, amount in terms)
    note = f"{found.against}: {', '.join(parts) or 'no difference'}"
    return Node(each.formula.name, round(each.flops), (), note)
