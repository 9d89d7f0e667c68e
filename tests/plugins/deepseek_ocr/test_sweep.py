"""Sweeps: their points, what they promise, and a folder that one sweep holds."""

import fcntl
import json

import pytest

from flopbench_deepseek_ocr.sweeps import candidate_grids


def test_there_are_53_candidate_grids():
    grids = candidate_grids()
    assert len(grids) == len(set(grids)) == 53
    assert all(rows <= cols and 2 <= rows * cols <= 29 for rows, cols in grids)


def test_a_folder_in_use_is_refused(flopbench, tmp_path):
    with (tmp_path / ".sweep.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        command = ("sweep", "deepseek_ocr", "crops", "--grid", "1x2", "--analytic-only")
        result = flopbench(*command, "--no-plots", "--out", tmp_path)
    assert result.returncode == 2
    assert "another sweep is writing" in result.stderr


def test_a_sweep_has_what_it_promises(flopbench, tmp_path):
    command = ("sweep", "deepseek_ocr", "decode", "--grid", "1x2", "--analytic-only")
    result = flopbench(*command, "--no-plots", "--tpot", "0.05", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    (point,) = json.loads((tmp_path / "sweep.json").read_text())["points"]
    assert (point["grid"], point["image_tokens"], point["context_tokens"]) == ("1x2", 483, 493)
    decode = point["decode"]
    assert decode["analytic_tflops"] == decode["analytic_eager_tflops"] > 0.118
    assert decode["vendor_tflops"] is None
    rates = point["required"]["tpot"]["eager"]
    assert rates["tflops_per_s"] == pytest.approx(decode["analytic_tflops"] / 5)
