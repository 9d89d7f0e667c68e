"""The abstract formula: how somebody counts the FLOPs of a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from attrs import frozen

from flopbench.formulas.facts import Facts
from flopbench.formulas.terms import Amount, Sum

Phase = Literal["train", "prefill", "decode"]
"""What a formula counts: a training step, or a stage of inference."""

PHASES: tuple[Phase, ...] = ("train", "prefill", "decode")


@frozen
class Origin:
    """Where a formula comes from.

    Attributes:
        project: a framework, or a paper.
        version: a commit, a version, or a date.
        link: the URL of the file or the paper.
    """

    project: str
    version: str
    link: str


class Formula(ABC):
    """A public formula of FLOPs, for `flopbench referee`.

    A whole plugin::

        from flopbench import Formula, hookimpl
        from flopbench.formulas import ACTIVE, Origin, Term

        class PerParameter(Formula):
            name = "per_parameter"
            summary = "six FLOPs per parameter and token"
            origin = Origin("my notes", "2026-01-01", "https://example.org/notes")
            counts = "a forward and a backward product with every parameter"

            def flops(self, facts):
                return 6 * facts.tokens * facts.parameters.all

            def includes(self, facts):
                every = ACTIVE + Term.INACTIVE
                return 3 * (every if facts.tied else every + Term.TOKENS)

        @hookimpl
        def flopbench_formulas():
            return [PerParameter]
    """

    name: ClassVar[str]
    """What ``flopbench referee --formulas`` takes."""

    summary: ClassVar[str] = ""
    """One line for ``flopbench list``."""

    origin: ClassVar[Origin]
    """Where it comes from."""

    counts: ClassVar[str]
    """What it means to count, in one clause."""

    claims: ClassVar[str] = ""
    """Which published figures it is the numerator of."""

    phases: ClassVar[tuple[Phase, ...]] = ("train",)
    """What it is a formula of."""

    @abstractmethod
    def flops(self, facts: Facts) -> Amount:
        """Return the FLOPs of the whole batch: an int or a Fraction, never a float.

        Raises:
            DoesNotApplyError: it has no number for such a model; the message says why.
        """

    @abstractmethod
    def includes(self, facts: Facts) -> Sum:
        """Return how often it includes each term."""
