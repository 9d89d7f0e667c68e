"""A formula is held to what it declares, and its differences add up."""

from fractions import Fraction

import pytest
from hypothesis import given

from flopbench import Formula
from flopbench.builtin.formulas import flopbench_formulas
from flopbench.errors import PluginError
from flopbench.formulas import ACTIVE, MATRICES, DoesNotApplyError, Sum, Term, judged, references
from flopbench.testing.decoders import SAMPLES, decoders, reading


def made(flops=lambda facts: 0, includes=lambda facts: Sum({})):
    members = {"name": "mine", "counts": "nothing"}
    members["flops"] = lambda self, facts: flops(facts)
    members["includes"] = lambda self, facts: includes(facts)
    return type("Mine", (Formula,), members)


def type_name(value):
    """Name a case: a number of thousands of digits has no text."""
    return type(value).__name__


def judge(formula, sample="dense", phase="train"):
    found = reading(SAMPLES[sample], phase)
    return judged(formula, found, references(found, phase))


@given(decoders())
def test_terms_and_the_rest_add_up_to_the_difference(decoder):
    for phase in ("train", "decode"):
        found = reading(decoder, phase)
        held = references(found, phase)
        for formula in flopbench_formulas():
            one = judged(formula, found, held)
            if one.flops is not None:
                for each in held:
                    named = sum(one.terms[each.name].values())
                    assert named + one.unexplained == one.flops - each.flops


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (Sum.of(Term.NORMS), "a term that is not in the number"),
        ((-1) * Sum.of(Term.HEAD), "a term left out"),
        (Fraction(1, 2) * Sum.of(Term.CAUSAL), "half of a term"),
    ],
)
def test_a_wrong_declaration_leaves_a_rest(more, wrong):
    def flops(facts):
        found = facts.parameters
        return 6 * facts.tokens * (found.layers + found.head)

    right = judge(made(flops, lambda facts: 3 * MATRICES))
    assert (right.unexplained, right.flops) == (0, 6 * 24 * (3 * (48 * 192 + 9216) + 4800))
    planted = judge(made(flops, lambda facts: 3 * MATRICES + more))
    account = reading(SAMPLES["dense"], "train").account
    assert planted.unexplained == -account.price(more) != 0, wrong


def test_a_formula_may_not_apply():
    def flops(facts):
        raise DoesNotApplyError("it knows no such model")

    found = judge(made(flops))
    assert (found.flops, found.reason) == (None, "it knows no such model")


@pytest.mark.parametrize("number", [1.5, "12", None, True])
def test_a_number_that_is_not_exact_is_refused(number):
    with pytest.raises(PluginError, match="'mine': what flops returns must be an int or a F"):
        judge(made(lambda facts: number))


@pytest.mark.parametrize(
    "number", [10**181, 10**5000, Fraction(10**400, 3), Fraction(1, 10**181)], ids=type_name
)
def test_a_number_that_nobody_could_show_is_refused(number):
    with pytest.raises(PluginError, match="'mine': what flops returns must be of at most 180 dig"):
        judge(made(lambda facts: number))


@pytest.mark.parametrize(
    "factor", [float("nan"), float("inf"), "3", 0.5, True, 10**5000], ids=type_name
)
def test_a_declaration_counts_exactly(factor):
    with pytest.raises(PluginError, match=r"'mine' failed: .*: the factor of a sum must be "):
        judge(made(includes=lambda facts: factor * ACTIVE))
    with pytest.raises(
        PluginError, match=r"'mine' failed: .*: how often norms is included must be "
    ):
        judge(made(includes=lambda facts: Sum({Term.NORMS: factor})))


def test_a_declaration_at_the_limit_fails_in_one_sentence():
    for most in (-(10**180), Fraction(1, 10**180 - 1)):
        with pytest.raises(
            PluginError, match=r"'mine' failed: ValueError: how often .* 180 digits"
        ):
            judge(made(includes=lambda facts, most=most: most * (ACTIVE + Term.CAUSAL)))


def test_a_declaration_is_of_terms():
    with pytest.raises(
        PluginError, match="'mine' failed: TypeError: a sum is of terms, got 'norms'"
    ):
        judge(made(includes=lambda facts: Sum({"norms": 1})))
    with pytest.raises(PluginError, match="'mine' failed: TypeError: a sum is of terms and sums"):
        judge(made(includes=lambda facts: ACTIVE + 3 * Term.USEFUL))


@pytest.mark.parametrize("words", [(), ("",), (" \n",)])
def test_a_formula_that_does_not_say_why_it_does_not_apply(words):
    def flops(facts):
        raise DoesNotApplyError(*words)

    assert judge(made(flops)).reason == "it does not say why"


def test_what_else_a_formula_raises_or_returns_names_it():
    with pytest.raises(PluginError, match="formula 'mine' failed: ZeroDivisionError"):
        judge(made(lambda facts: 1 // 0))
    with pytest.raises(PluginError, match="'mine': includes must return a Sum of terms, got 3"):
        judge(made(includes=lambda facts: 3))


def test_what_pricing_has_beyond_the_terms_is_not_hidden():
    found = reading(SAMPLES["dense"], "train")
    terms = references(found, "train")[0].flops
    counted, useful, executed = references(found, "train", terms + 7)
    assert (counted.flops, counted.unexplained, useful.unexplained) == (terms + 7, 7, 7)
    assert executed.name == "executed"
