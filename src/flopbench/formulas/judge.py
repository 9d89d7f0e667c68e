"""Hold formulas against a model: is a formula what it declares, and what does it differ by?"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from flopbench.boundary import calling
from flopbench.errors import PluginError
from flopbench.formulas.facts import DoesNotApplyError
from flopbench.formulas.formula import Formula, Phase
from flopbench.formulas.read import Reading
from flopbench.formulas.terms import ALL_PAIRS, MATRICES, Amount, Sum, Term, exact
from flopbench.inputs.numbers import quoted
from flopbench.text import one_line

_ROWS = Sum.of(Term.PRODUCTS, Term.HEAD_ROWS, Term.LATENTS, Term.AGAIN)
_FORWARD = MATRICES + _ROWS
_MASKED = Sum.of(Term.WINDOWS, Term.CAUSAL)

_NO_REASON = "it does not say why"

PASSES = 3
"""Passes of a training step: forward, and backward to the inputs and to the weights."""


@frozen
class Reference:
    """A number that formulas are held against.

    Attributes:
        name: ``counted``, ``useful`` or ``executed``.
        meaning: what it counts, in one clause.
        includes: how often it includes each term.
        flops: of the whole batch.
        unexplained: what of it is in no term; 0 if the terms are right.
    """

    name: str
    meaning: str
    includes: Sum
    flops: Amount
    unexplained: Amount = 0


def references(
    reading: Reading, phase: Phase, counted: Amount | None = None
) -> tuple[Reference, ...]:
    """Return our numbers: counted, useful, and for a training step, executed.

    Args:
        counted: what pricing every operation gives; None for what the terms add up to.
    """
    times = PASSES if phase == "train" else 1
    step = "forward and backward pass" if phase == "train" else f"the {phase}"
    # No gradient reaches the angles: they are computed once.
    whole = times * (_FORWARD + ALL_PAIRS) + Term.ROTARY
    price = reading.account.price
    rest = 0 if counted is None else counted - price(whole)

    def made(name: str, meaning: str, includes: Sum) -> Reference:
        return Reference(name, meaning, includes, price(includes) + rest, rest)

    found = [
        made("counted", f"{step} as the real model runs it, eager attention over all pairs", whole),
        made("useful", f"{step} with the pairs that the masks leave", whole - times * _MASKED),
    ]
    if phase == "train":
        meaning = "counted, and what full recomputation repeats (the numerator of HFU)"
        found.append(made("executed", meaning, whole + Term.RECOMPUTED))
    return tuple(found)


@frozen(kw_only=True)
class Judgement:
    """What a formula says of a model, and why it differs.

    Attributes:
        flops: its number, or None if it has none.
        reason: why it has none, as a clause.
        failure: what is wrong with the formula, if it failed.
        unexplained: its number less what it declares; 0 if the explanation is right.
        terms: by reference, the terms that it has more of (or less, if negative); with
            ``unexplained`` they add up to the difference.
    """

    formula: type[Formula]
    flops: Amount | None = None
    reason: str | None = None
    failure: str | None = None
    unexplained: Amount = 0
    terms: Mapping[str, Mapping[Term, Amount]] = {}


def judged(formula: type[Formula], reading: Reading, held: tuple[Reference, ...]) -> Judgement:
    """Judge a formula: price what it declares, and name its differences.

    Raises:
        PluginError: it raises something other than `DoesNotApplyError`, or returns no exact number.
    """
    who = f"formula {formula.name!r}"
    try:
        with calling(who):
            made = formula()
            flops = made.flops(reading.facts)
            included = made.includes(reading.facts)
    except DoesNotApplyError as error:
        return Judgement(formula=formula, reason=one_line(str(error).strip()) or _NO_REASON)
    try:
        exact("what flops returns", flops)
    except (TypeError, ValueError) as error:
        raise PluginError(f"{who}: {error}") from error
    if not isinstance(included, Sum):
        raise PluginError(f"{who}: includes must return a Sum of terms, got {quoted(included)}")
    with calling(who):  # a sum that is at the limit may be over it in a difference
        return Judgement(
            formula=formula,
            flops=flops,
            unexplained=flops - reading.account.price(included),
            terms={each.name: _difference(reading, included - each.includes) for each in held},
        )


def _difference(reading: Reading, more: Sum) -> dict[Term, Amount]:
    amounts = {term: reading.account.price(more.times(term) * Sum.of(term)) for term in Term}
    return {term: amount for term, amount in amounts.items() if amount}
