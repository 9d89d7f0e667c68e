"""Training on pages: from the loss to the pixels, in one pass."""

from pathlib import Path

import attrs
import pytest
import sympy

from flopbench.errors import CountError, UsageError
from flopbench.training_step import LoraOptions, Phase, TrainOptions
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench.vendor.transformers import VerifiedOptions
from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam, read_architecture
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.vendor_remote import RemoteCode
from flopbench_deepseek_ocr.workload import Workload
from flopbench_unlimited_ocr.vendor import UnlimitedOcrVendor
from support.training import COUNTER, passes

SMALL = Architecture(
    sam=Sam(
        layers=2,
        heads=2,
        width=8,
        mlp_width=10,
        window=3,
        global_layers=(1,),
        neck_channels=6,
        downsample_channels=(5, 12),
        pretrained_size=64,
    ),
    clip=Clip(layers=2, width=12, heads=2, mlp_width=20, pretrained_size=28),
    decoder=Decoder(
        layers=2,
        dense_layers=1,
        heads=2,
        kv_heads=2,
        width=12,
        mlp_width=10,
        experts=4,
        experts_per_token=2,
        shared_experts=1,
        expert_width=6,
        vocabulary=30,
    ),
)
WORKLOAD = Workload(view_size=128, tile_rows=1, tile_cols=2, tile_size=64, prompt_tokens=3)
BOTH = {"vision": WORKLOAD, "prefill": WORKLOAD}
VENDORS = {
    "deepseek_ocr": DeepseekOcrVendor.from_options(SMALL, VendorOptions()),
    "unlimited_ocr": UnlimitedOcrVendor.from_options(SMALL, VerifiedOptions()),
}
VENDOR = VENDORS["deepseek_ocr"]
PIXELS = "vision/sam/patch_embed"
"""It works on the pixels, which have no gradient."""


def twice(forward):
    angles = {"decoder/rope"}
    return {c: n if c == PIXELS else 2 * n for c, n in forward.items() if c not in angles}


def of(flops, start):
    return {c: n for c, n in flops.items() if c.startswith(start)}


@pytest.mark.parametrize("name", VENDORS)
def test_a_backward_is_twice_the_forward_but_for_the_pixels(name):
    forward, repeated, backward = passes(VENDORS[name], BOTH, TrainOptions())
    for stage in BOTH:
        counted = count_stage(COUNTER, VENDORS[name].stage(stage, WORKLOAD))
        for entry in attribute(counted, VENDORS[name].component_of).entries:
            forward[entry.component] -= entry.flops
    assert not any(forward.values())
    forward, *_ = passes(VENDORS[name], BOTH, TrainOptions())
    assert not repeated
    assert backward == twice(forward)


def test_recomputation_repeats_the_layers_of_both_encoders_and_the_decoder():
    forward, repeated, backward = passes(VENDOR, BOTH, TrainOptions(recompute="full"))
    assert backward == twice(forward)
    parts = ("vision/sam/attention", "vision/clip/attention", "decoder/attention")
    for part in parts:
        assert of(repeated, part) == of(forward, part)
    outside = {PIXELS, "vision/sam/neck", "vision/sam/downsample", "vision/projector", "lm_head"}
    assert not outside & {*repeated}


def test_a_gradient_reaches_the_vision_tower_through_a_frozen_decoder():
    options = TrainOptions(frozen=("decoder/*", "lm_head"))
    forward, _, backward = passes(VENDOR, BOTH, options)
    assert of(backward, "vision/") == of(twice(forward), "vision/")
    for component in ("decoder/attention/qkv", "decoder/mlp", "decoder/moe/experts", "lm_head"):
        assert backward[component] == forward[component]
    assert backward["decoder/attention/core"] == 2 * forward["decoder/attention/core"]


def test_a_frozen_vision_tower_has_no_backward():
    forward, _, backward = passes(VENDOR, BOTH, TrainOptions(frozen=("vision/*",)))
    assert not of(backward, "vision/")
    assert of(backward, "decoder/") == of(twice(forward), "decoder/")

    # transformers asks for the gradient of patches where it recomputes layers.
    options = TrainOptions(frozen=("vision/*",), recompute="full")
    *_, backward = passes(VENDOR, BOTH, options)
    assert PIXELS not in backward
    assert backward["vision/projector"] == forward["vision/projector"]
    assert backward["vision/sam/mlp"] == forward["vision/sam/mlp"]


def test_adapters_belong_to_the_component_of_their_layer():
    before, *_ = passes(VENDOR, BOTH, TrainOptions())
    lora = LoraOptions(rank=2, targets=("decoder/attention/out",))
    after, _, backward = passes(VENDOR, BOTH, TrainOptions(lora=lora))
    tokens, width, layers = WORKLOAD.context_tokens, 12, 2
    added = layers * 2 * tokens * 2 * (width + width)
    assert after == before | {lora.targets[0]: before[lora.targets[0]] + added}
    assert not of(backward, "vision/")


def test_the_core_of_attention_is_recomputed_alone_in_the_decoder_only():
    options = TrainOptions(recompute="selective")
    forward, repeated, _ = passes(VENDOR, {"prefill": WORKLOAD}, options)
    assert repeated == {"decoder/attention/core": forward["decoder/attention/core"] // 2}
    with pytest.raises(CountError, match="in the code of its layers"):
        passes(VENDOR, BOTH, options)


@pytest.mark.slow
def test_sizes_that_are_symbols_give_closed_forms_of_the_backward():
    pages, prompt = sympy.symbols("B P", positive=True, integer=True)

    def prepare(sizes):
        workload = Workload(batch_size=sizes["B"], prompt_tokens=sizes["P"], view_size=128)
        stage = VENDOR.training({"vision": workload, "prefill": workload}, TrainOptions())
        return attrs.evolve(stage.prepare(1), phase=Phase.BACKWARD)

    trace = COUNTER.trace(prepare, {pages: 3, prompt: 11})
    assert (trace.guards, trace.bound, trace.uncounted) == ((), {}, ())
    workload = Workload(batch_size=2, prompt_tokens=5, view_size=128)
    *_, backward = passes(VENDOR, {"vision": workload, "prefill": workload}, TrainOptions())
    total = sum(trace.flops.values())
    assert total.subs({pages: 2, prompt: 5}) == backward.total()


def test_what_cannot_be_trained_is_told_in_one_sentence():
    with pytest.raises(UsageError, match=r"unknown component with weights 'vison/\*'"):
        VENDOR.training(BOTH, TrainOptions(frozen=("vison/*",)))
    with pytest.raises(CountError, match="trained on vision and prefill, not on decode"):
        VENDOR.training({"decode": WORKLOAD}, TrainOptions())
    folder = Path(__file__).with_name("checkpoint")
    remote = RemoteCode(folder, read_architecture(folder / "config.json"))
    with pytest.raises(CountError, match="own code cannot be trained on meta tensors"):
        DeepseekOcrVendor(remote).training(BOTH, TrainOptions())
