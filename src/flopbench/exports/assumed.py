"""The assumptions of a law as conditions that a program can check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy

from flopbench.dims.forms import STEP
from flopbench.exports.laws import Assumption
from flopbench.exports.tree import Tree, condition, renamed
from flopbench.laws.assumptions import equations
from flopbench.laws.law import ORDERED, Law, put_in
from flopbench.laws.step_ranges import is_bound, tidy


def assumptions(
    law: Law, steps: str | None = None, names: Mapping[str, str] | None = None
) -> tuple[Assumption, ...]:
    """Return what a law assumes, as `Law.holds_at` checks it.

    Args:
        steps: the name of the size that is the number of steps; None if there is one call.
        names: other names for symbols.

    Raises:
        InexpressibleError: an assumption is of a kind that no tree has.
    """
    found: dict[str, Assumption] = {}
    for guard, fixed in (*((g, {}) for g in law.guards), *law.local):
        if fixed and any(tidy(put_in(general, fixed)) == guard for general in law.guards):
            continue  # it follows
        made = _over_steps(guard, steps)
        where = {name: value for name, value in fixed.items() if name != STEP.name}
        if where:
            made = ["or", *(["!=", name, str(value)] for name, value in where.items()), made]
        text = _renamed(_text(guard, fixed, steps), names or {})
        found[text] = Assumption(text, renamed(made, names or {}))
    for note in law.assumptions:
        text = _renamed(note, names or {})
        found.setdefault(text, Assumption(text))
    return tuple(found.values())


def _text(guard: Any, fixed: Mapping[str, int], steps: str | None) -> str:
    """Return a relation as `Assumptions.texts` writes it."""
    if steps and is_bound(guard):
        guard = tidy(guard.subs(STEP, _last(steps)))
    return f"{guard} (where {equations(fixed)})" if fixed else str(guard)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the names that a user gave, of those that are no identifiers."""
    for name, given in names.items():
        text = text if name.isidentifier() else text.replace(name, given)
    return text


def _last(steps: str | None) -> Any:
    return sympy.Symbol(steps, integer=True, positive=True) if steps else sympy.Integer(1)


def _over_steps(guard: Any, steps: str | None) -> Tree:
    """Return a condition that holds in each step: what is linear in it, in the first and last."""
    if STEP not in guard.free_symbols:
        return condition(guard)
    if isinstance(guard, ORDERED) and _is_linear(guard.lhs - guard.rhs):
        return [
            "and",
            *map(condition, dict.fromkeys(guard.subs(STEP, at) for at in (1, _last(steps)))),
        ]
    return ["each", STEP.name, "1", steps or "1", condition(guard)]


def _is_linear(form: sympy.Expr) -> bool:
    return bool(form.is_polynomial(STEP)) and sympy.degree(form, STEP) == 1
