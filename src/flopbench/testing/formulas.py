"""The conformance suite of a formula of FLOPs."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from hypothesis import strategies as st

from flopbench.blocks import Decoder
from flopbench.formulas import Formula, Judgement, Reading, judged, references
from flopbench.testing.decoders import SAMPLES, decoders, reading
from flopbench.testing.suite import Conformance, check, for_all, require

_EXAMPLES = 50
"""Random decoders: each has several kinds of layers."""


class FormulaConformance(Conformance):
    """Checks a formula against its contract, on decoders of every kind and on random ones.

    A complete test file::

        from flopbench.testing import FormulaConformance

        class TestMine(FormulaConformance):
            formula = "mine"

    Attributes:
        formula: the formula's name.
    """

    formula: ClassVar[str]

    @classmethod
    def _class(cls) -> type[Formula]:
        return cls._catalog().formulas.get(cls.formula)

    @classmethod
    def _samples(cls) -> list[str]:
        return list(SAMPLES)

    def _judged(self, decoder: Decoder, *, batch: int, context: int) -> list[Judgement]:
        """Judge it in each of its phases."""
        formula, found = self._class(), []
        for phase in formula.phases:
            read = reading(decoder, phase, batch=batch, context=context)
            one = judged(formula, read, references(read, phase))
            _require_explained(one, read)
            found.append(one)
        return found

    @check()
    def test_declares_itself(self) -> None:
        """It has a summary, a clause that says what it counts, and a source with a link."""
        formula = self._class()
        require(formula.summary, f"formula {formula.name!r} has no summary")
        for what in ("project", "version", "link"):
            require(getattr(formula.origin, what), f"its origin has no {what}")
        link = urlsplit(formula.origin.link)
        require(
            link.scheme in {"http", "https"} and link.netloc, f"{formula.origin.link!r}: no URL"
        )

    @check(cases="_samples")
    def test_is_what_it_declares(self, case: str) -> None:
        """Where it has a number, that is the price of what it includes, to the last FLOP."""
        self._judged(SAMPLES[case], batch=2, context=12)

    @check()
    def test_is_what_it_declares_on_random_decoders(self) -> None:
        """So it is on decoders that no sample resembles, for any batch and context."""
        sizes = st.integers(1, 30)

        def law(drawn: tuple[Decoder, int, int]) -> None:
            decoder, batch, context = drawn
            self._judged(decoder, batch=batch, context=context)

        for_all(st.tuples(decoders(), sizes, sizes), law, examples=_EXAMPLES)

    @check()
    def test_applies_to_a_decoder(self) -> None:
        """It has a number for a decoder of some kind."""
        found = [
            one for each in SAMPLES.values() for one in self._judged(each, batch=2, context=12)
        ]
        reasons = {one.reason for one in found}
        require(any(one.flops is not None for one in found), f"it never applies: {reasons}")

    @check()
    def test_depends_on_its_facts_alone(self) -> None:
        """It gives the same number for the same facts, and another for twice the batch."""
        for decoder in SAMPLES.values():
            once = [one.flops for one in self._judged(decoder, batch=1, context=12)]
            again = [one.flops for one in self._judged(decoder, batch=1, context=12)]
            require(once == again, "the same facts give another number the second time")
            twice = [one.flops for one in self._judged(decoder, batch=2, context=12)]
            for one, two in zip(once, twice, strict=True):
                grown = one is None or (two is not None and two > one > 0)
                require(grown, f"twice the batch gives {two}, once gives {one}")


def _require_explained(one: Judgement, read: Reading) -> None:
    facts = read.facts
    require(
        not one.unexplained,
        f"formula {one.formula.name!r} declares {one.unexplained} FLOPs less than it counts, for "
        f"{facts}",
    )
