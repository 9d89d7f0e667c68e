"""MFU: a rate, a numerator and a dense peak from the table of GPUs."""

import pytest

import flopbench

PEAK = 989.4e12
"""NVIDIA H100 whitepaper V1.04, table 2: dense bfloat16, SXM5."""


def findings(**options):
    return flopbench.referee("deepseek_ocr", formulas="palm", **options)


def test_mfu_is_work_per_second_over_the_peaks():
    found = findings(tokens_per_second=45000, gpu="h100", gpus=8)
    (phase,) = found.phases
    flops = float(phase.counted.flops) / phase.facts.tokens
    assert found.rate.peak == PEAK
    assert found.rate.share(phase.counted.flops, phase.facts.tokens) == pytest.approx(
        flops * 45000 / (8 * PEAK), rel=1e-12
    )
    mfu = {each["name"]: each["mfu"] for each in found.to_dict()["phases"][0]["references"]}
    assert mfu["useful"] < mfu["counted"] < mfu["executed"]
    assert "45,000 tokens/s on 8 GPUs of 989.4 TFLOP/s, the dense bfloat16 peak" in found.text()
    assert "table 2" in found.text().replace("\n  ", " ")


def test_the_dtype_chooses_the_peak():
    options = {"tokens_per_second": 1, "gpu": "h100"}
    half = findings(**options)
    eighth = findings(**options, hardware={"compute_dtype": "float8"})
    assert (half.rate.dtype, eighth.rate.dtype) == ("bfloat16", "float8")
    assert eighth.rate.peak == 1978.9e12
    assert half.rate.gpus == 1


def test_without_a_rate_there_is_no_mfu():
    found = findings()
    assert found.rate is None
    assert "MFU:" not in found.text()
    assert found.to_dict()["phases"][0]["references"][0]["mfu"] is None


def test_more_than_the_peak_is_said():
    fine = findings(tokens_per_second=1000, gpu="h100")
    above = findings(tokens_per_second=100_000, gpu="h100")
    assert "above 100 %" not in fine.text()
    (line,) = [line for line in above.text().splitlines() if "above 100 %" in line]
    # 17.8 GFLOPs per token of all parameters are more; the 3.6 that are done are not.
    assert "palm" in line
    assert "counted" not in line


def test_a_numerator_says_what_it_may_be_compared_with():
    found = findings(tokens_per_second=1, gpu="h100")
    assert "claims of the same numerator:\n  palm: the MFU of PaLM" in found.text()
    assert "claims of the same numerator:\n\n- palm: the MFU of PaLM" in found.to_markdown()
    without = flopbench.referee(
        "deepseek_ocr", formulas="sglang", phases="prefill", tokens_per_second=1, gpu="h100"
    )
    assert "same numerator" not in without.text() + without.to_markdown()


def test_the_stored_dtype_chooses_the_peak_from_python():
    options = {"tokens_per_second": 1, "gpu": "h100"}
    assert findings(**options, dtypes={"activations": "float16"}).rate.dtype == "float16"
