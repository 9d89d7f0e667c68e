"""The bounds of DeepSeek-OCR's stages beside the times that an H200 took."""

import pytest
from make_time_bounds import MACHINE, times
from make_time_bounds import MEASURED as DATA


def label(row):
    return "-".join(str(row[name]) for name in ("kind", "mode", "batch", "stage"))


@pytest.mark.parametrize("row", DATA["rows"], ids=label)
def test_nothing_is_faster_than_the_bounds(row):
    found = times(row)
    assert 0 < found.floor.ms <= found.bound.ms < row["kernel_ms"] < row["ms"]


NEAR = [r for r in DATA["rows"] if r["kind"] == "sdpa" and r["stage"] != "decode"]


@pytest.mark.parametrize("row", NEAR, ids=label)
def test_the_bound_is_not_far_from_what_kernels_take(row):
    assert times(row).bound.ms >= 0.2 * row["kernel_ms"]


def test_the_ceilings_measured_are_below_the_peaks():
    gpu = MACHINE.gpu
    assert DATA["gemm_tflops_8192_bf16"] * 10**12 < gpu.peak("bfloat16")
    assert DATA["copy_GBps_read_plus_write"] < DATA["read_GBps"] < gpu.bandwidth / 10**9


def test_all_stages_modes_and_batches_were_measured():
    seen = {tuple(row[n] for n in ("kind", "mode", "batch", "stage")) for row in DATA["rows"]}
    assert len(seen) == len(DATA["rows"]) == 3 * 2 * 2 * 3
