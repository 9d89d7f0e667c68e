"""Pictures of bounds: where points lie, and what is written."""

import pytest

from flopbench.commands.run.roofline import pictures, roofline, share_bars
from flopbench.plotting import SETTINGS, drawing
from support.plans import analytic_plan, machine_of, times_of

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def ocr():
    plan = analytic_plan("deepseek_ocr", "workload.decode_steps=3", "workload.mode=base")
    machine = machine_of(plan, gpu="h200")
    times = times_of(plan, machine)["flash"]
    return machine, {stage.title: times[stage.name] for stage in plan.base_stages}


def test_stages_and_components_lie_at_their_work_below_the_roof(ocr):
    machine, times = ocr
    with drawing(SETTINGS):
        (axes,) = roofline(machine, times, "a label").axes
    drawn = [line.get_xydata()[0] for line in axes.lines if len(line.get_xydata()) == 1]
    bounds = [t.bound for t in times.values()]
    parts = [b for t in times.values() for b in t.components.values() if b.tensor_flops]
    assert len(drawn) == len(bounds) + len(parts)
    for bound in bounds:
        place = (bound.flops_per_byte, 1000 * bound.tensor_flops / bound.ms)
        assert any(tuple(point) == place for point in drawn)
    gpu = machine.gpu
    for x, y in drawn:
        assert y <= min(gpu.peak("bfloat16"), x * gpu.bandwidth) * (1 + 1e-12)
    (roof,) = [line for line in axes.lines if len(line.get_xydata()) == 3]
    assert roof.get_label() == "bfloat16: 989.5 TFLOP/s, 4.814 TB/s"
    assert roof.get_xydata()[1][0] == gpu.peak("bfloat16") / gpu.bandwidth


def test_bars_add_up_to_the_whole(ocr):
    machine, times = ocr
    with drawing(SETTINGS):
        (axes,) = share_bars(machine, times, "a label").axes
    for column in range(3):
        heights = [bars[column].get_height() for bars in axes.containers]
        assert sum(heights) == pytest.approx(100)
    decode = axes.containers[2]
    # A share of FLOPs is not a share of bytes.
    assert decode[1].get_height() > 2 * decode[0].get_height()


def test_files_are_the_same_for_the_same_numbers(ocr):
    first, second = (dict(pictures(*ocr, "deepseek_ocr, flash")) for _ in range(2))
    assert list(first) == [f"{n}.{k}" for n in ("roofline", "bound_shares") for k in ("svg", "png")]
    assert first == second
    for name in ("roofline.svg", "bound_shares.svg"):
        svg = first[name].decode()
        assert all(f">{text}<" in svg for text in ("deepseek_ocr, flash", "Vision", "Decode"))
