"""The bounds of a run's stages, composed ones included."""

import pytest

from flopbench.commands.run.times import stage_bound
from support.plans import analytic_plan, machine_of, times_of


@pytest.fixture(scope="module")
def ocr():
    plan = analytic_plan("deepseek_ocr", "workload.decode_steps=3")
    machine = machine_of(plan, gpu="h200")
    return plan, machine, times_of(plan, machine)


def test_every_mode_and_stage_has_both_figures(ocr):
    plan, _, times = ocr
    assert list(times) == ["eager", "flash"]
    for by_stage in times.values():
        assert list(by_stage) == [stage.name for stage in plan.stages]
        assert all(0 < t.floor.ms <= t.bound.ms for t in by_stage.values())


def test_a_sum_comes_with_its_parts(ocr):
    *_, times = ocr
    plan = analytic_plan("deepseek_ocr", "workload.decode_steps=3", stages=["end2end"])
    alone = times_of(plan, machine_of(plan, gpu="h200"))
    assert list(alone["flash"]) == ["vision", "prefill", "decode", "end2end"]
    for name, found in alone["flash"].items():
        assert found.bound.ms == times["flash"][name].bound.ms


def test_a_composed_stage_is_the_sum_of_its_parts(ocr):
    *_, times = ocr
    for by_stage in times.values():
        parts = [by_stage[name] for name in ("vision", "prefill", "decode")]
        whole = by_stage["end2end"]
        assert whole.floor.ms == pytest.approx(sum(part.floor.ms for part in parts), rel=1e-12)
        assert whole.bound.ms == pytest.approx(sum(part.bound.ms for part in parts), rel=1e-12)
        assert whole.bound.tensor_flops == sum(part.bound.tensor_flops for part in parts)
        assert set(whole.components) == {name for part in parts for name in part.components}


def test_the_floor_is_that_of_the_stage_whatever_the_mode(ocr):
    *_, times = ocr
    for stage, eager in times["eager"].items():
        assert eager.floor.ms == times["flash"][stage].floor.ms
        assert eager.bound.ms > times["flash"][stage].bound.ms


def test_the_bound_of_another_workload_is_the_run_s(ocr):
    plan, machine, times = ocr
    for stage in plan.stages:
        found = stage_bound(plan, machine, stage, plan.modes[1], plan.workload)
        assert found == pytest.approx(times["flash"][stage.name].bound.ms, rel=1e-12)


def test_json_has_both_figures_and_each_component(ocr):
    *_, times = ocr
    found = times["flash"]["prefill"].to_dict()
    assert found["bound_ms"] == times["flash"]["prefill"].bound.ms
    assert found["bound_by"] == "memory"
    assert found["floor"]["floor_ms"] == times["flash"]["prefill"].floor.ms
    assert sum(part["bound_ms"] for part in found["components"].values()) == pytest.approx(
        found["bound_ms"]
    )


@pytest.mark.parametrize("mode", ["base", "gundam"])
def test_a_larger_batch_never_takes_less(mode):
    """Although its tokens share weights, and more of them meet the same experts."""
    before = {}
    for batch in (1, 2, 3, 8, 64):
        plan = analytic_plan(
            "deepseek_ocr", f"workload.batch_size={batch}", f"workload.mode={mode}"
        )
        for attention, by_stage in times_of(plan, machine_of(plan, gpu="h200")).items():
            for stage, times in by_stage.items():
                now = times.floor.ms, times.bound.ms
                assert all(
                    a <= b for a, b in zip(before.get((attention, stage), now), now, strict=True)
                )
                before[attention, stage] = now
