"""Reconciliation: every verdict, and that nothing but equality is exact."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.commands.run.reconcile import ONE_PER_ELEMENT, compare
from flopbench.conventions import Conventions
from flopbench.ops import TORCH_VISIBLE, Linear, Softmax
from flopbench.vendor import Convention, Count, Counted, StageCount, Uncounted
from flopbench.vendor.attribution import Failed, attribute

TORCH = Convention(unit="FLOP", sees=TORCH_VISIBLE)
OPS = [
    Linear(component="a", rows=1, in_features=5, out_features=1, bias=True),
    Linear(component="b", rows=1, in_features=10, out_features=1),
    Softmax(component="a", scores=3),
]
PRICED = price(OPS, Eager(), Eager(), Conventions())
FLOPS = {"a": 10, "b": 20}


def counted(flops=None, uncounted=()):
    entries = [Counted(module, "mm", n) for module, n in (flops or FLOPS).items()]
    return attribute(
        StageCount(Count(tuple(entries), tuple(uncounted))), lambda module, _op: module
    )


def verdict(count, *, mode=None, convention=TORCH):
    return compare("stage", mode or Eager(), PRICED, "torch", convention, count)


def test_equal_in_every_component_is_exact():
    comparison = verdict(counted())
    assert (comparison.verdict, comparison.difference, comparison.reason) == ("exact", 0, None)
    assert comparison.vendor_flops == comparison.seen_flops == 30
    assert comparison.unseen == {"softmax": 15, "linear bias": 1}


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 25), min_size=1))
def test_only_equal_components_are_exact(flops):
    comparison = verdict(counted(flops))
    assert (comparison.verdict == "exact") == (flops == FLOPS)
    assert comparison.difference == 30 - sum(flops.values())
    for c in comparison.components:
        assert c.difference == c.analytic_flops - c.vendor_flops
        assert c.vendor_flops == flops.get(c.component, 0)


def test_errors_that_cancel_in_the_sum_differ():
    comparison = verdict(counted({"a": 11, "b": 19}))
    assert (comparison.verdict, comparison.difference) == ("differs", 0)
    assert comparison.reason == "components differ: a, b"


def test_an_uncounted_op_makes_it_incomplete_even_if_the_rest_is_equal():
    comparison = verdict(counted(uncounted=[Uncounted("a", "aten._grouped_mm", 3)]))
    assert comparison.verdict == "incomplete"
    assert "aten._grouped_mm" in comparison.reason
    assert attrs.asdict(comparison.uncounted[0]) == {
        "component": "a",
        "op": "aten._grouped_mm",
        "calls": 3,
    }


def test_a_failed_count_has_no_number():
    comparison = verdict(Failed("no GPU"))
    assert (comparison.verdict, comparison.reason) == ("incomplete", "no GPU")
    assert comparison.vendor_flops is None
    assert comparison.difference is None


_EAGER = (Eager(), Eager(), Conventions())


def test_a_zero_reference_verifies_nothing():
    nothing = price([Softmax(component="a", scores=3)], Eager(), Eager(), Conventions())
    empty = attribute(StageCount(Count(())), lambda module, _op: module)
    comparison = compare("stage", Eager(), nothing, "torch", TORCH, empty)
    assert comparison.verdict == "not_comparable"
    some = price([Linear(component="a", rows=1, in_features=1, out_features=1)], *_EAGER)
    comparison = compare("stage", Eager(), some, "torch", TORCH, empty)
    assert comparison.verdict == "incomplete"


def test_flash_is_not_compared():
    comparison = verdict(counted(), mode=Flash())
    assert (comparison.verdict, comparison.difference) == ("no_vendor_match", None)
    assert comparison.components == ()


@pytest.mark.parametrize("unit", ["mac", "executed FLOP"])
def test_another_unit_is_not_comparable_and_never_rescaled(unit):
    convention = Convention(unit=unit, sees=TORCH_VISIBLE)
    comparison = verdict(counted(), convention=convention)
    assert (comparison.verdict, comparison.difference) == ("not_comparable", None)
    assert comparison.vendor_flops == 30


def test_the_counter_is_compared_with_what_it_sees():
    blind = Convention(unit="FLOP", sees=frozenset({"matmul"}))
    comparison = verdict(counted(), convention=blind)
    assert comparison.seen_flops == 0
    assert comparison.verdict == "differs"
    assert comparison.unseen == {"linear": 31, "softmax": 15}


ELEMENTS = price(OPS, Eager(), Eager(), ONE_PER_ELEMENT)


def in_macs(count, per_element=None):
    convention = Convention("MAC", TORCH_VISIBLE, per_element or {})
    return compare("stage", Eager(), PRICED, "macs", convention, count, ELEMENTS)


def test_closed_forms_are_priced_in_the_counters_unit_and_its_number_stays():
    comparison = in_macs(counted({"a": 5, "b": 10}))
    assert (comparison.verdict, comparison.unit) == ("exact", "MAC")
    assert comparison.vendor_flops == comparison.seen_flops == 15
    twice = in_macs(counted())  # FLOPs taken for MACs
    assert (twice.verdict, twice.difference) == ("differs", 15 - 30)


@given(st.integers(0, 9), st.integers(0, 9))
def test_vector_work_is_priced_as_the_counter_counts_it(softmax, bias):
    adds = {"softmax": softmax, "linear bias": bias}
    comparison = in_macs(counted({"a": 5 + 3 * softmax + 1 * bias, "b": 10}), adds)
    assert (comparison.verdict, comparison.difference) == ("exact", 0)
    # What it counts is no longer unseen; nothing is counted at 0 per element.
    assert comparison.unseen == {
        name: flops for name, flops in (("softmax", 15), ("linear bias", 1)) if not adds[name]
    }
