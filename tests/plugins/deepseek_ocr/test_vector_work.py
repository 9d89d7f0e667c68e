"""The priced vector work, element by element, against the ops that the real model runs.

FLOPs per element are a convention; how many elements there are is a fact, and the dispatcher
sees it. Each kind of op is summed over a stage; what is not priced is named here.
"""

import attrs
from hypothesis import given, settings

from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from support.deepseek_strategies import architectures, workloads
from support.dispatched import priced_elements as analytic
from support.dispatched import seen

SAME = {
    "softmax": "aten._softmax",
    "layer_norm": "aten.native_layer_norm",
    "rms_norm": "aten.pow",
    "gelu": "aten.gelu",
    "quick_gelu": "aten.sigmoid",
    "silu": "aten.silu",
}


@settings(max_examples=15)
@given(architectures(), workloads())
def test_every_priced_element_is_one_that_the_model_works_on(architecture, workload):
    workload = attrs.evolve(workload, decode_steps=1)
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    for stage in ("vision", "prefill", "decode"):
        elements = seen(vendor, stage, workload)
        for entry, op in SAME.items():
            assert analytic(model, stage, workload, entry) == elements.of(op), (stage, entry)
        assert analytic(model, stage, workload, "top_k") == elements.of("compared")
        adds = analytic(model, stage, workload, "add")
        if stage == "vision":
            # Relative coordinates are two-dimensional, activations are not.
            assert adds == elements.of("aten.add", range(3, 9))
        else:
            rows = elements.of("aten.rsqrt")  # RMSNorm's epsilon, not priced
            rope = elements_of_rope(model, stage, workload)
            # A rotation adds once per element; a sum over k experts adds k - 1 times.
            assert adds + rope == elements.of("aten.add") - rows + elements.of("summed")


def elements_of_rope(model, stage, workload):
    return analytic(model, stage, workload, "rope")


@settings(max_examples=15)
@given(architectures(), workloads())
def test_products_of_elements_are_those_of_the_model(architecture, workload):
    workload = attrs.evolve(workload, decode_steps=1)
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    for stage in ("prefill", "decode"):
        elements = seen(vendor, stage, workload)
        # A rotation multiplies by cos and by sin; RMSNorm's scale and weight are its own.
        ours = analytic(model, stage, workload, "multiply")
        ours += 2 * elements_of_rope(model, stage, workload)
        ours += 2 * analytic(model, stage, workload, "rms_norm")
        assert ours == elements.of("aten.mul"), stage
        assert 2 * analytic(model, stage, workload, "rope_angle") == (
            elements.of("aten.cos") + elements.of("aten.sin")
        )
    elements = seen(vendor, "vision", workload)
    ours = analytic(model, "vision", workload, "multiply")
    # quick_gelu scales its input and multiplies by the sigmoid.
    ours += 2 * analytic(model, "vision", workload, "quick_gelu")
    assert ours == elements.of("aten.mul", range(3, 9))
