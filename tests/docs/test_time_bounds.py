"""docs/time-bounds.md: its tables and its picture are those of its script."""

import make_time_bounds
import pytest

PAGE = make_time_bounds.PAGE.read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_script():
    assert make_time_bounds.with_tables(PAGE) == PAGE


def test_the_picture_shows_all_rows_and_all_four_times():
    pytest.importorskip("matplotlib")
    shown, drawn = make_time_bounds.PICTURE.read_text(), make_time_bounds.picture().decode()
    rows = [make_time_bounds.label(row) for row in make_time_bounds.shown()]
    assert len(rows) == 12
    for text in (*rows, "floor", "bound", "kernels", "wall"):
        assert f">{text}<" in shown
        assert f">{text}<" in drawn


def test_the_figures_in_the_text_are_those_measured():
    found, gpu = make_time_bounds.MEASURED, make_time_bounds.MACHINE.gpu
    flops, copied = found["gemm_tflops_8192_bf16"], found["copy_GBps_read_plus_write"]
    rows = {(r["stage"], r["mode"], r["batch"]): r for r in make_time_bounds.shown()}
    step = rows["decode", "base", 1]
    kernels, bound = step["kernels"], make_time_bounds.figures(step)["bound"]
    busy = (rows["vision", mode, 8] for mode in ("gundam3x2", "base"))
    longer = [f"{100 * (row['ms'] / row['kernel_ms'] - 1):.0f}" for row in busy]
    text = " ".join(PAGE.split())
    for phrase in (
        f"at {flops:.0f} TFLOP/s, {1e14 * flops / gpu.peak('bfloat16'):.0f} % of the peak",
        f"at {copied / 1000:.3g} TB/s, {1e11 * copied / gpu.bandwidth:.0f} % of the bandwidth",
        f"about {10 * round(kernels / 10)} kernels",
        f"take {1000 * step['kernel_ms'] / kernels:.1f} µs each",
        f"needs {1000 * bound / kernels:.1f} µs for each",
        f"about every {1000 * step['host_ms'] / kernels:.0f} µs",
        f"step of {step['kernel_ms']:.1f} ms on the GPU takes {step['ms']:.0f} ms",
        f"only {longer[0]} to {longer[1]} % longer",
    ):
        assert phrase in text
