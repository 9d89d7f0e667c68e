"""The largest tensor of a page's stages, against what the real model makes in bfloat16."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.api.given import catalog_of
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.plan import make_plan
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from support.deepseek_strategies import architectures, workloads
from support.largest import default_dtype, made_by

STAGES = ("vision", "prefill", "decode")


def real_tensor(vendor, stage, workload):
    """Return the largest, but for products of experts' outputs with weights in float32."""
    with default_dtype(torch.bfloat16):
        calls = vendor.stage(stage, workload)
        made = made_by(calls.prepare(int(calls.steps)))
    routed = (torch.float32, "mul")
    return next(m for m in made if not (m[3:5] == routed and m[5].endswith("experts")))


def same(ours, real):
    dtype = str(real[3]).removeprefix("torch.")
    return (ours.bytes, torch.Size(ours.shape).numel(), ours.dtype) == (*real[:2], dtype)


@settings(max_examples=15)
@given(architectures(), workloads(), st.sampled_from(STAGES))
def test_of_random_small_architectures(architecture, workload, stage):
    ours = Pricer(Eager(), Conventions(), "bfloat16").stage(
        DeepseekOcr(architecture), stage, workload, Eager()
    )
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    real = real_tensor(vendor, stage, workload)
    assert same(ours.footprint.largest_tensor, real)


@pytest.mark.parametrize(
    "model",
    [
        "deepseek_ocr2",
        pytest.param("deepseek_ocr", marks=pytest.mark.slow),
        pytest.param("unlimited_ocr", marks=pytest.mark.slow),
    ],
)
def test_of_the_published_models(model):
    plan = make_plan(catalog_of((), strict=False), model, overrides=["workload.decode_steps=3"])
    found = {}
    for stage in STAGES:
        priced = plan.pricer.stage(plan.model, stage, plan.workload, Eager())
        found[stage] = priced.footprint.largest_tensor
        assert same(found[stage], real_tensor(plan.vendor, stage, plan.workload))
    names = [found[stage].name for stage in STAGES]
    assert names == ["attention probabilities", "logits", "keys of all heads"]
