"""Formulas that a counter has of its own, beside those of its library."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from flopbench.text import plural


@frozen
class OwnFormula:
    """A formula that a counter has of its own, for an op that its library has none for.

    Attributes:
        op: the op, as `Counted` names it.
        formula: what it says, in words.
        where: the page that documents it.
    """

    op: str
    formula: str
    where: str

    def __str__(self) -> str:
        return f"{self.op} is counted by an own formula ({self.where}): {self.formula}"


def with_own_formulas(used: Iterable[OwnFormula]) -> str:
    """Say what own formulas a verdict rests on: ``, with 1 own formula (aten.op: page)``, or ""."""
    ops = {formula.op: formula.where for formula in used}
    if not ops:
        return ""
    pages = ", ".join(dict.fromkeys(ops.values()))
    return f", with {plural(len(ops), 'own formula')} ({', '.join(ops)}: {pages})"
