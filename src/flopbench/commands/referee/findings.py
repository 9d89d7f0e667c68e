"""What the referee found: numbers of ours, and of every formula, with each difference named."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from attrs import frozen

from flopbench.commands.referee.rate import Rate
from flopbench.formulas import Amount, Facts, Judgement, Phase, Reference
from flopbench.values import Node, Value
from flopbench.values.value import Format


@frozen(kw_only=True, eq=False)
class PhaseFindings:
    """The judgements of one phase.

    Attributes:
        stage: the stage whose operations were read.
        references: our numbers: ``counted``, ``useful``, and of a training step ``executed``.
    """

    phase: Phase
    stage: str
    facts: Facts
    references: tuple[Reference, ...]
    judgements: tuple[Judgement, ...]

    @property
    def counted(self) -> Reference:
        """What the real model's count equals."""
        return self.references[0]

    def reference(self, name: str) -> Reference:
        """Return a number of ours."""
        return next(each for each in self.references if each.name == name)

    def per_token(self, amount: Amount) -> Amount:
        """Return a number of FLOPs per token."""
        found = Fraction(amount) / self.facts.tokens
        return int(found) if found.denominator == 1 else found


@frozen(kw_only=True, eq=False)
class Findings(Value):
    """What `flopbench referee` shows.

    Attributes:
        against: the reference whose differences are shown.
        rate: what was measured, for MFU; None if nothing was.
        notes: what a reader must know of what the model stands for.
    """

    model: str
    against: str
    phases: tuple[PhaseFindings, ...]
    rate: Rate | None = None
    notes: tuple[str, ...] = ()

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The names of formulas that are not what they declare, and of numbers with no terms."""
        found = [j.formula.name for p in self.phases for j in p.judgements if j.unexplained]
        ours = [r.name for p in self.phases for r in p.references if r.unexplained]
        return (*dict.fromkeys([*ours, *found]),)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of formulas that raised an error, or returned something wrong."""
        found = [j.formula.name for p in self.phases for j in p.judgements if j.failure]
        return (*dict.fromkeys(found),)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        from flopbench.commands.referee.views import as_dict

        return as_dict(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per number, and for formulas one per term of a difference."""
        from flopbench.commands.referee.views import rows

        return list(rows(self))

    def text(self) -> str:
        """Return what ``flopbench referee`` prints."""
        from flopbench.commands.referee.text import console

        return console(self)

    def to_markdown(self) -> str:
        """Return what ``referee.md`` holds."""
        from flopbench.commands.referee.text import markdown

        return markdown(self)

    def tree(self) -> Node:
        """Return each formula with the terms of its difference."""
        from flopbench.commands.referee.views import tree

        return tree(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes."""
        from flopbench.commands.referee.text import as_html

        return {**super().formats(), ".html": lambda: as_html(self)}
