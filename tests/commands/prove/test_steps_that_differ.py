"""Vendors that run otherwise in some steps must not be proved by what most steps do."""

import attrs
import pytest
import sympy
import torch

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.dims import minimum
from flopbench.errors import CountError
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import count_by_law, law_here
from support.proofs import equations, proof_of
from toy.sized import Decoding, Steps
from toy.sized import DecodingSizes as Sizes


def proved(function, *, rows=lambda w: w.B * w.S * w.K, workload=None, low=1):
    return proof_of(Decoding(rows, low), Steps(function), workload or Sizes())


def twice(linear, x):
    linear(x)
    linear(x)


def from_step_10(k, _w, linear, x):
    linear(x)
    if k > 9:
        linear(x)


@pytest.mark.parametrize("steps", [3, 9, 10, 40])
def test_both_sides_of_a_step_are_summed(steps):
    proof = proved(
        from_step_10,
        rows=lambda w: w.B * w.S * (2 * w.K - minimum(w.K, 9)),
        workload=Sizes(K=steps),
    )
    assert proof.verdict == "proved"
    assert not equations(proof)["decode", None].limited


@pytest.mark.parametrize("last", [8, 10])
def test_a_side_that_begins_elsewhere_differs(last):
    proof = proved(from_step_10, rows=lambda w: w.B * w.S * (2 * w.K - minimum(w.K, last)))
    assert proof.verdict == "differs"


def only_step_2(k, _w, linear, x):
    twice(linear, x) if 1 < k <= 2 else linear(x)


def only_step_5(k, _w, linear, x):
    twice(linear, x) if k == 5 else linear(x)


def odd_steps(k, _w, linear, x):
    twice(linear, x) if k > 1 and k % 2 == 1 else linear(x)


def uncounted_later(k, _w, linear, x):
    if k > 9:
        torch.mv(x[0], x[0, 0])
    linear(x)


def uncounted_between(k, _w, linear, x):
    if 9 < k <= 11:
        torch.mv(x[0], x[0, 0])
    linear(x)


def uncounted_for_one_token(_k, w, linear, x):
    if w.S == 1:
        torch.mv(x[0], x[0, 0])
    linear(x)


def bound_later(k, w, linear, x):
    if k > 9:
        for i in range(int(w.B)):
            linear(x[i])
    else:
        linear(x)


def bound_later_and_a_gap(k, w, linear, x):
    if 9 < k <= 14:
        linear(x)
    bound_later(k, w, linear, x)


def step_1_twice_for_many_tokens(k, w, linear, x):
    twice(linear, x) if k <= 1 and w.S >= 100 else linear(x)


def twice_from_a_step_of_a_square(k, w, linear, x):
    linear(x) if w.S + k - k * k + 5 > 0 else twice(linear, x)


def guards_that_contradict(k, w, linear, x):
    linear(x)
    if k > 9:
        pass
    if w.S + k >= 30:
        linear(x)


@pytest.mark.parametrize(
    "function",
    [
        only_step_2,
        only_step_5,
        odd_steps,
        uncounted_later,
        uncounted_between,
        twice_from_a_step_of_a_square,
        uncounted_for_one_token,
        bound_later,
        bound_later_and_a_gap,
        guards_that_contradict,
    ],
)
@pytest.mark.parametrize("steps", [1, 6, 100])
def test_what_only_some_steps_do_is_never_taken_for_all(function, steps):
    assert proved(function, workload=Sizes(2, 20, steps)).verdict in {"incomplete", "differs"}


def test_counting_by_law_sees_work_without_a_formula():
    """Of which a law of the first steps knows nothing."""
    for function in (uncounted_later, uncounted_between):
        subject = Subject(
            vendor=Steps(function),
            counter=TorchCounter(),
            model=Decoding(None),
            stage="decode",
            workload=Sizes(3, 20, 40),
            open_sizes=Decoding.sizes,
        )
        with pytest.raises(CountError, match="no formula"):
            count_by_law(subject)


def test_a_number_of_steps_with_an_end_is_no_proof():
    """As of generation that stops after so many tokens, whatever is asked for."""

    class Stops(Steps):
        def stage(self, name, workload):
            return attrs.evolve(super().stage(name, workload), steps=min(workload.K, 100))

    proof = proof_of(Decoding(lambda w: w.B * w.S * w.K), Stops(lambda _k, _w, f, x: f(x)), Sizes())
    assert proof.verdict == "interpolated"


@pytest.mark.parametrize("function", [step_1_twice_for_many_tokens, twice_from_a_step_of_a_square])
def test_a_law_does_not_hold_where_a_relation_in_one_step_does_not(function):
    subject = Subject(
        vendor=Steps(function),
        counter=TorchCounter(),
        model=Decoding(None),
        stage="decode",
        workload=Sizes(3, 20, 3),
        open_sizes=Decoding.sizes,
    )
    try:
        law = law_here(subject)
    except CountError:
        return
    assert not law.holds_at({"B": 3, "S": 200, "K": 60}, 60)


def test_a_step_is_looked_at_though_other_sizes_begin_at_2():
    """The example of a size that is 2 must not move the step's."""
    proof = proved(only_step_2, workload=Sizes(2, 20, 1), low=2)
    assert proof.verdict in {"incomplete", "differs"}


def test_a_relation_that_was_met_at_one_size_is_used_at_that_size_alone():
    def function(_k, w, linear, x):
        if w.S == 1 and w.B < 5:
            pass
        linear(x)

    proof = proved(function, rows=lambda w: minimum(w.B, 5) * w.S * w.K)
    assert proof.verdict == "differs"


def test_a_size_that_the_assumptions_leave_out_is_said_to_be_left_out():
    def function(_k, w, linear, x):
        twice(linear, x) if w.S == 7 else linear(x)

    proof = proved(function)
    whole = equations(proof)["decode", None]
    assert proof.verdict == "proved"
    assert whole.limited
    assert str(sympy.Ne(sympy.Symbol("S", integer=True, positive=True), 7)) in whole.assumptions


def test_a_workload_that_the_assumptions_leave_out_is_not_proved():
    """The example moves away from the value, and takes the other way."""

    def function(_k, w, linear, x):
        twice(linear, x) if w.S == 2 else linear(x)

    assert proved(function, workload=Sizes(2, 2, 3)).verdict in {"incomplete", "differs"}
