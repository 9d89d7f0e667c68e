"""Points of a sweep that differ in their sizes only are counted by one law."""

import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.errors import CountError
from flopbench.law import Subject
from flopbench.series_laws import flops_by_law, place
from prove_helpers import Sizes, ToyModel, ToyVendor


def run(x, linear):
    return linear(x)


def counted(function, workloads):
    """Count by law; return FLOPs, and how many calls the vendor got."""
    calls = []

    def counting(x, linear):
        calls.append(x.shape)
        return function(x, linear)

    model = ToyModel()
    subject = Subject(
        vendor=ToyVendor(counting),
        counter=TorchCounter(),
        model=model,
        stage="prefill",
        workload=workloads[0],
        open_sizes=model.sizes,
    )
    places = [place(model, "prefill", workload) for workload in workloads]
    assert len({found.key for found in places}) == 1
    return flops_by_law(subject, places), len(calls)


def test_a_thousand_points_take_one_trace_and_one_count():
    workloads = [Sizes(B=b, S=s) for b in range(2, 12) for s in range(2, 102)]
    flops, calls = counted(run, workloads)
    assert flops == [32 * w.B * w.S for w in workloads]
    assert calls == 2


def test_sizes_below_2_have_a_key_of_their_own():
    model = ToyModel()
    keys = [place(model, "prefill", Sizes(B=b, S=9)).key for b in (1, 2, 3)]
    assert keys[0] != keys[1] == keys[2]


def test_a_point_that_the_guards_exclude_is_left_to_be_counted():
    def function(x, linear):
        return linear(x) if x.shape[1] < 50 else linear(linear(x))

    flops, _ = counted(function, [Sizes(B=2, S=s) for s in (10, 49, 50, 60)])
    assert flops == [32 * 2 * 10, 32 * 2 * 49, None, None]


def test_ops_without_a_formula_and_bound_sizes_leave_no_law():
    import torch

    def uncounted(x, linear):
        torch.mv(x[0], x[0, 0])
        return linear(x)

    for function in (
        uncounted,
        lambda x, linear: [linear(x[:, i]) for i in range(int(x.shape[1]))],
    ):
        with pytest.raises(CountError):
            counted(function, [Sizes(B=2, S=s) for s in (10, 20, 30)])
