"""How far a batch can grow at nearly no cost."""

import pytest

from flopbench.commands.run.batching import free_batch
from flopbench.hardware import HardwareOptions
from support.plans import analytic_plan, machine_of, times_of
from support.proofs import plan_of
from toy.sized import SizedToy, Sizes, TorchVendor

LM = ("hf/gpt2", "workload.decode_steps=2", "workload.context_tokens=16", "workload.lm_head=last")


def bound(batch, stage):
    plan = analytic_plan(*LM, f"workload.batch_size={batch}")
    return times_of(plan, machine_of(plan, gpu="h200"))["flash"][stage].bound.ms


def free(stage, *overrides, model=LM):
    plan = analytic_plan(*model, *overrides)
    (found,) = (s for s in plan.model.stages if s.name == stage)
    mode = next(m for m in plan.modes if m.name == "flash")
    return free_batch(plan, machine_of(plan, gpu="h200"), found, mode)


def test_the_largest_free_batch_is_the_last_below_the_limit():
    found = free("decode")
    assert found.largest > 4
    now = bound(1, "decode")
    assert bound(found.largest, "decode") < 1.1 * now <= bound(found.largest + 1, "decode")
    assert found.doubled == bound(2, "decode") / now


def test_it_starts_from_the_batch_as_it_is():
    found = free("decode", "workload.batch_size=64")
    assert found.batch == 64
    assert bound(found.largest, "decode") < 1.1 * bound(64, "decode")


def test_a_workload_without_a_batch_size_has_none():
    plan = plan_of(SizedToy(), TorchVendor(lambda x, layer: layer(x)), Sizes())
    machine = HardwareOptions(gpu="h200").machine(plan.storage)
    assert free_batch(plan, machine, plan.stages[0], plan.modes[0]) is None


def test_a_batch_that_is_huge_already_is_not_free():
    """Its weights cost nothing any more: twice the batch takes twice the time."""
    found = free("decode", "workload.batch_size=1_000_000_000_000_000")
    assert found.largest is not None
    assert found.largest < 2 * found.batch
    assert found.doubled == pytest.approx(2)


def test_a_batch_that_cannot_be_doubled_has_none():
    assert free("decode", "workload.batch_size=1_000_000_000_000_000_000") is None
