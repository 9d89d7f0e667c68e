"""Counting a stage's steps: sampled on a line, every one otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.errors import CountError
from flopbench.vendor import (
    Convention,
    Count,
    Counted,
    Uncounted,
    VendorCall,
    VendorCounter,
    VendorStage,
)
from flopbench.vendor.checked import checked_counter
from flopbench.vendor.counting import count_stage


class Scripted(VendorCounter):
    """Counts what a step's number says, and remembers which steps it was asked for."""

    name = "scripted"
    convention = Convention(unit="FLOP", sees=frozenset())

    def __init__(self, flops, calls=lambda step: 0):
        self.flops, self.calls, self.steps = flops, calls, []

    def count(self, call):
        step = call.root
        self.steps.append(step)
        return Count(
            tuple(Counted(module, "mm", n) for module, n in self.flops(step).items()),
            (Uncounted("m", "flash", self.calls(step)),) if self.calls(step) else (),
        )


def stage(steps, *, sampled=True):
    return VendorStage(lambda step: VendorCall(step, lambda: None), steps=steps, sampled=sampled)


def expected(flops, steps):
    totals = {}
    for step in range(1, steps + 1):
        for module, n in flops(step).items():
            totals[module] = totals.get(module, 0) + n
    return totals


def total(result):
    return {entry.module: entry.flops for entry in result.count.counted}


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(6, 500))
def test_steps_on_a_line_are_sampled_and_summed_exactly(constant, slope, steps):
    def flops(step):
        return {"linear": constant, "core": constant + slope * step}

    counter = Scripted(flops)
    result = count_stage(counter, stage(steps))
    assert total(result) == expected(flops, steps)
    assert len(counter.steps) == min(5, steps)
    assert f"{steps} steps" in result.assumptions[-1]


@pytest.mark.parametrize(
    "flops",
    [
        lambda step: {"core": step * step},
        lambda step: {"core": min(step, 7)},
        lambda step: {"a": 100 - step, "b": step + (step == 10)},  # the sum alone looks straight
        lambda step: {"core": step // 2},
        lambda step: {"core": -(-(step + 3) // 16) * 16},
    ],
    ids=["a curve", "a window", "one module off the line", "a fractional slope", "stairs"],
)
def test_steps_off_a_line_are_all_counted(flops):
    counter = Scripted(flops)
    result = count_stage(counter, stage(20))
    assert total(result) == expected(flops, 20)
    assert sorted(counter.steps) == list(range(1, 21))
    assert not result.assumptions


@given(st.integers(1, 5))
def test_few_steps_are_all_counted(steps):
    counter = Scripted(lambda step: {"core": step})
    assert total(count_stage(counter, stage(steps))) == {"core": steps * (steps + 1) // 2}
    assert len(counter.steps) == steps


def test_every_step_is_counted_when_asked_for():
    counter = Scripted(lambda step: {"core": step})
    assert total(count_stage(counter, stage(9, sampled=False))) == {"core": 45}
    assert counter.steps == list(range(1, 10))


def test_uncounted_ops_are_summed_over_the_steps_too():
    counter = Scripted(lambda step: {"core": step}, calls=lambda step: 12)
    (uncounted,) = count_stage(counter, stage(100)).count.uncounted
    assert uncounted == Uncounted("m", "flash", 1200)


def test_an_uncounted_op_in_the_last_step_only_is_not_lost():
    counter = Scripted(lambda step: {"core": step}, calls=lambda step: int(step == 30))
    (uncounted,) = count_stage(counter, stage(30)).count.uncounted
    assert uncounted.calls == 1
    assert len(counter.steps) == 30


@pytest.mark.parametrize("steps", [129, 257])
def test_stairs_that_meet_a_line_at_the_ends_and_the_middle_are_all_counted(steps):
    def flops(step):
        return {"core": 64 * -(-step // 64)}

    assert total(count_stage(Scripted(flops), stage(steps))) == expected(flops, steps)


def test_entries_of_one_module_and_op_add_up():
    class Twice(Scripted):
        def count(self, call):
            once = super().count(call)
            return Count(once.counted * 2, once.uncounted * 2)

    counter = Twice(lambda step: {"core": 5}, calls=lambda step: 3)
    result = count_stage(counter, stage(1))
    assert total(result) == {"core": 10}
    assert result.count.uncounted == (Uncounted("m", "flash", 6),)


@pytest.mark.parametrize("wrong", [7.5, -1, None, "9", True])
def test_what_is_no_count_is_an_error(wrong):
    with pytest.raises(CountError, match="must count in non-negative integers"):
        count_stage(checked_counter(Scripted(lambda step: {"core": wrong})), stage(1))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_calls_that_stand_for_equal_ones_are_multiplied_and_none_is_sampled(times):
    counter = Scripted(lambda step: {"linear": 10 * step, "core": 7}, calls=lambda step: step)
    steps = len(times)
    calls = VendorStage(
        lambda step: VendorCall(step, lambda: None), steps=steps, times=tuple(times)
    )
    result = count_stage(counter, calls)
    assert counter.steps == [*range(1, steps + 1)]
    assert total(result) == {
        "linear": sum(10 * step * often for step, often in enumerate(times, 1)),
        "core": 7 * sum(times),
    }
    (uncounted,) = result.count.uncounted
    assert uncounted.calls == sum(step * often for step, often in enumerate(times, 1))
    more = sum(times) - steps
    assert [text.split(" ")[0] for text in result.assumptions] == ([str(more)] if more else [])
