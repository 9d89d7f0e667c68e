"""Activations alive at once, against the real model: op by op, and in all.

Of random small architectures, each kind of op of each component must hold at its largest
exactly the elements that the real op, or the chain of ops that it stands for, holds: what it
reads and makes, and the values that a later op reads. Copies and views stay the values that
they were; a resized table stays a weight. Left apart are, by name, the mask, and what the
vendor's call does not do: the look-up of tokens.

Of the published architecture, what PyTorch really holds is what is needed and, by name, what a
variable or a view keeps longer.
"""

import re
from collections import defaultdict
from unittest import mock

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.cache_utils import DynamicLayer
from transformers.models.unlimited_ocr import modeling_unlimited_ocr as modeling

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.workload import Workload
from support.deepseek_strategies import architectures, workloads
from support.liveness import CACHE, Held, record, watch
from support.peaks import KINDS, our_peaks

AS_ONE = {"UnlimitedOcrTextRMSNorm": "rms_norm", "QuickGELUActivation": "quick_gelu"}
"""Modules that are one op of ours."""

FUNCTIONS = {
    (modeling, "apply_rotary_pos_emb"): "rope",
    (modeling.UnlimitedOcrSamVisionAttention, "get_rel_pos"): "relative positions",
    (DynamicLayer, "update"): CACHE,
}

OUTSIDE_MODULES = (
    (r".*\.language_model\.layers\.\d+", "decoder/norm"),
    (r".*\.encoder\.layers\.\d+", "vision/clip/norm"),
    (r".*\.sam_encoder\.layers\.\d+", "vision/sam/norm"),
    (r".*\.sam_encoder", "vision/sam/patch_embed"),
)
"""Additions in the forward of a layer or a tower."""

MASK = "aten.where"
NOT_PRICED = {"aten.zeros", "aten.scalar_tensor", MASK, "aten._to_copy", "relative positions"}
"""The making of the mask, positions as floats, and SAM's tables of relative positions."""

NOT_IN_THE_CALL = {
    ("decoder/embed", "embedding"),  # the vendor is given vectors
    ("vision/projector/separators", "embedding"),  # joined by copies
}


def component(vendor, run):
    for pattern, name in OUTSIDE_MODULES:
        if re.fullmatch(pattern, run.module):
            return name
    name = vendor.component(run.module)
    # The sum of routed and shared experts.
    summed = name == "decoder/mlp" and run.name == "aten.add"
    return "decoder/moe/shared" if summed else name


def key(vendor, run):
    where, name = component(vendor, run), run.name.removeprefix("aten.")
    kind = KINDS.get(name, name)
    routed = where == "decoder/moe/experts" and kind == "matmul"
    return where, "expert_linear" if routed else kind


def call_of(vendor, stage, workload):
    """Return the model and the last call of a stage, which returns what the stage makes."""
    call = vendor.stage(stage, workload).prepare(workload.decode_steps if stage == "decode" else 1)
    model = vendor._implementation.model
    if stage != "vision":
        return model, call.run
    features, real = [], model.get_image_features

    def encode(**arguments):
        features.extend((made := real(**arguments)).pooler_output)
        return made

    def run():
        with mock.patch.object(model, "get_image_features", encode):
            call.run()
        return list(features)

    return model, run


def real_peaks(vendor, stage, workload, only_while_read=(MASK,)):
    """Return the most elements alive during an op, by component and kind."""
    model, call = call_of(vendor, stage, workload)
    most = defaultdict(int)
    for run in record(
        model,
        call,
        joined=AS_ONE,
        functions=FUNCTIONS,
        given_first=stage != "vision",  # page images count while they are read
        only_while_read=only_while_read,
    ):
        if run.name not in NOT_PRICED:
            most[key(vendor, run)] = max(most[key(vendor, run)], run.live)
    return dict(most)


def priced_peak(model, stage, workload):
    priced = price(model.ops(stage, workload), Eager(), Eager(), Conventions(), "float32")
    return priced.footprint.peak_activation_bytes // 4


@st.composite
def deep_architectures(draw):
    """Return architectures of which no kind of layer has its only one at the end.

    After the last attention, the rotary cosines and sines are not needed any more; ours takes
    all layers as alike. Tokens have two experts or more: with one, a gathered row is the token.
    """
    drawn = draw(architectures())
    decoder = drawn.decoder
    dense, more = decoder.dense_layers, 2
    deeper = attrs.evolve(
        decoder,
        layers=decoder.layers + more,
        dense_layers=dense + more if dense == decoder.layers else dense,
        experts_per_token=max(2, decoder.experts_per_token),
    )
    return attrs.evolve(drawn, decoder=deeper)


@settings(max_examples=10)
@given(deep_architectures(), workloads(), st.sampled_from(["vision", "prefill", "decode"]))
def test_each_kind_of_op_holds_what_the_real_one_holds(architecture, workload, stage):
    model = DeepseekOcr(architecture)
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    ours = our_peaks(model, stage, workload)
    joined = {where: ours.pop(where) for where in NOT_IN_THE_CALL if where in ours}
    assert ours == real_peaks(vendor, stage, workload)
    assert priced_peak(model, stage, workload) == max([*ours.values(), *joined.values()])


@settings(max_examples=3)
@given(deep_architectures(), workloads(), st.sampled_from(["prefill", "decode"]))
def test_a_mask_that_is_kept_is_alive_beside_every_op_of_the_layers(architecture, workload, stage):
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    keys = workload.context_tokens + (workload.decode_steps if stage == "decode" else 0)
    mask = workload.batch_size * keys * (1 if stage == "decode" else keys)
    reads_it_or_is_after = {("decoder/attention/core", "add"), ("lm_head", "linear")}
    assert real_peaks(vendor, stage, workload, only_while_read=()) == {
        where: live if where in reads_it_or_is_after else live + mask
        for where, live in real_peaks(vendor, stage, workload).items()
    }


@settings(max_examples=5)
@given(architectures(), workloads())
def test_vision_ends_with_the_tokens_of_all_pages_alive(architecture, workload):
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    _, call = call_of(vendor, "vision", workload)
    (last,) = (
        op.peak()
        for op in DeepseekOcr(architecture).ops("vision", workload)
        if op.component == "vision/projector/separators"
    )
    assert last == sum(tokens.numel() for tokens in call())


def held(vendor, stage, workload):
    """Return what PyTorch holds at the most, the KV cache and gathered weights apart."""
    model, call = call_of(vendor, stage, workload)
    watched = Held(model)
    watch(watched, model, call, joined={}, functions=FUNCTIONS)
    return watched.most


@pytest.mark.parametrize("workload", [
    Workload(view_size=512),
    Workload(view_size=640),
    Workload(view_size=1280),
    Workload(tile_rows=2, tile_cols=3),
    Workload(tile_rows=4, tile_cols=5),
    Workload(view_size=512, batch_size=2),
])  # fmt: skip
def test_what_pytorch_holds_in_vision_is_what_is_needed_and_four_things_more(
    model, vendor, workload
):
    # The most is in a global layer of SAM, when the bias has been laid out by a copy.
    views = [(view.count, (view.size // 16) ** 2) for view in workload.views]
    images, tokens = max(views, key=lambda view: view[0] * view[1] ** 2)
    vectors = images * tokens * 768
    # A variable of the layer still has the normed input, which became queries, keys and values.
    normed = vectors
    # Values are a view of what one product made: queries and keys stay with them,
    queries_and_keys = 2 * vectors
    # and so does the product itself if several images have to be put in order.
    product = 3 * vectors if images > 1 else 0
    # What the tower said of the pages is returned beside their tokens.
    features = workload.batch_size * (workload.view_size // 64) ** 2 * 2048
    before = features if images > workload.batch_size else 0
    extra = normed + queries_and_keys + product + before
    assert held(vendor, "vision", workload).total() == (
        priced_peak(model, "vision", workload) + extra
    )


def test_what_pytorch_holds_at_the_lm_head_is_what_is_needed(model, vendor):
    workload = Workload(tile_rows=2, tile_cols=3)
    for stage, rows in (("prefill", 903), ("decode", 1)):
        most = held(vendor, stage, workload)
        assert most == {
            ("mul", "model.language_model.norm"): rows * 1280,
            ("mm", "lm_head"): rows * 129280,
        }
        assert most.total() == priced_peak(model, stage, workload)


def test_what_pytorch_holds_in_long_attention_is_what_is_needed_and_three_things_more(
    model, vendor
):
    workload = Workload(tile_rows=2, tile_cols=3, lm_head="last", prompt_tokens=3010)
    n = workload.context_tokens
    # A second mask, for windows that no layer has, and two variables: the normed input, and the
    # queries after Q K^T.
    extra = n * n + 2 * n * 1280
    ours = priced_peak(model, "prefill", workload)
    assert held(vendor, "prefill", workload).total() == ours + extra


def test_what_pytorch_holds_in_experts_is_what_is_needed_and_six_things_more(model, vendor):
    workload = Workload(tile_rows=2, tile_cols=3, lm_head="last")
    n, rows = workload.context_tokens, 6 * workload.context_tokens
    ours = our_peaks(model, "prefill", workload)
    extra = {
        "masks": 2 * n * n,
        "the layer's input, in a variable of the loop": n * 1280,
        "probabilities, returned by attention": 10 * n * n,
        "scores of all experts, returned by the router": n * 64,
        "rows gathered for the experts": rows * 1280,
        "the gate, a half of what one product made": rows * 896,
    }
    needed = ours["decoder/moe/experts", "multiply"]
    most = held(vendor, "prefill", workload).total()
    assert most == needed + sum(extra.values())
    # Without those the dense layer has the most.
    assert needed < priced_peak(model, "prefill", workload) == max(ours.values()) < most
