"""Vendor = analytic, to the last FLOP, in every stage and component of every mode."""

import pytest
from hypothesis import given, settings

from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import CropGrid, Inputs
from support.deepseek_strategies import architectures, workloads
from support.stages import reconcile

VISION = {
    "vision/sam/patch_embed",
    "vision/sam/attention/qkv",
    "vision/sam/attention/core",
    "vision/sam/attention/out",
    "vision/sam/mlp",
    "vision/sam/neck",
    "vision/sam/downsample",
    "vision/clip/attention/qkv",
    "vision/clip/attention/core",
    "vision/clip/attention/out",
    "vision/clip/mlp",
    "vision/projector",
}
DECODER = {
    "decoder/attention/qkv",
    "decoder/attention/core",
    "decoder/attention/out",
    "decoder/mlp",
    "decoder/moe/router",
    "decoder/moe/experts",
    "decoder/moe/shared",
    "lm_head",
}
IMAGES = [
    *({"mode": mode, "image": (1240, 1754)} for mode in ("tiny", "small", "base", "large")),
    {"mode": "gundam", "image": (640, 480)},
    {"image": (1240, 1754), "base_size": 1280, "tile_size": 1024},  # Gundam-M
    *({"crop_grid": CropGrid(rows=r, cols=c)} for r, c in ((1, 2), (3, 2), (2, 4), (1, 9))),
]


def assert_exact(comparison, components):
    assert comparison.verdict == "exact", comparison.reason
    assert comparison.difference == 0
    assert comparison.vendor_flops == comparison.seen_flops > 0
    assert {c.component for c in comparison.components} == components
    assert all(c.difference == 0 and c.vendor_flops > 0 for c in comparison.components)


@pytest.mark.parametrize("image", IMAGES, ids=lambda i: "-".join(map(str, i.values())))
@pytest.mark.parametrize("batch_size", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_every_mode(image, batch_size, model, vendor):
    for steps, lm_head in ((1, "all"), (100, "last")):
        inputs = Inputs(**image, batch_size=batch_size, decode_steps=steps, lm_head=lm_head)
        workload = model.workload(inputs)
        assert_exact(reconcile(model, vendor, "prefill", workload), DECODER)
        assert_exact(reconcile(model, vendor, "decode", workload), DECODER)
    assert_exact(reconcile(model, vendor, "vision", workload), VISION)


@settings(max_examples=25)
@given(architectures(), workloads())
def test_random_architectures_and_workloads(architecture, workload):
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    for stage in ("vision", "prefill", "decode"):
        comparison = reconcile(model, vendor, stage, workload)
        assert comparison.verdict == "exact", comparison
