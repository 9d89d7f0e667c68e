"""DeepSeek-OCR 2 and Unlimited-OCR: exact, proved, and sized as the real models are."""

from collections import Counter

import attrs
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from transformers.cache_utils import DynamicCache
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

from flopbench.builtin.flash import Flash
from flopbench.errors import UsageError
from flopbench.vendor.transformers import VerifiedOptions
from flopbench_deepseek_ocr.architecture import Decoder
from flopbench_deepseek_ocr.image import choose_grid
from flopbench_deepseek_ocr.workload import CropGrid, Tiling, Workload
from flopbench_deepseek_ocr2.analytic import DeepseekOcr2
from flopbench_deepseek_ocr2.architecture import Architecture, Encoder
from flopbench_deepseek_ocr2.vendor import DeepseekOcr2Vendor
from flopbench_deepseek_ocr2.workload import Inputs, Ocr2Workload
from flopbench_unlimited_ocr.analytic import UnlimitedOcr
from flopbench_unlimited_ocr.vendor import UnlimitedOcrVendor
from support.deepseek_strategies import architectures, sizes, workloads
from support.proofs import equations, proof_of
from support.stages import price_stage, reconcile

STAGES = ("vision", "prefill", "decode")
WINDOWS = sizes(2, 3, 5, 128)
"""Of 1 transformers' cache makes all: it keeps ``keys[-1 + 1:]``."""


@st.composite
def ocr2_architectures(draw):
    neighbour = draw(architectures())
    kv_heads = draw(sizes(1, 2))
    heads = kv_heads * draw(sizes(1, 2, 3))
    encoder = Encoder(
        layers=draw(st.integers(1, 2)),
        width=heads * draw(sizes(4, 6)),
        heads=heads,
        kv_heads=kv_heads,
        mlp_width=draw(sizes(8, 10)),
    )
    channels = (neighbour.sam.downsample_channels[0], encoder.width)
    sam = attrs.evolve(neighbour.sam, downsample_channels=channels)
    return Architecture(sam=sam, encoder=encoder, decoder=neighbour.decoder)


@st.composite
def ocr2_workloads(draw):
    return Ocr2Workload(
        batch_size=draw(st.integers(1, 2)),
        view_size=draw(sizes(768, 1024)),
        tile_rows=draw(st.integers(0, 2)),
        tile_cols=draw(st.integers(1, 2)),
        prompt_tokens=draw(st.integers(0, 9)),
        decode_steps=draw(st.integers(1, 9)),
        lm_head=draw(sizes("all", "last")),
    )


def windowed(architecture, window):
    decoder = attrs.evolve(architecture.decoder, reference_window=window)
    return attrs.evolve(architecture, decoder=decoder)


def ocr2(architecture):
    options = VerifiedOptions()
    return DeepseekOcr2(architecture), DeepseekOcr2Vendor.from_options(architecture, options)


def unlimited(architecture):
    options = VerifiedOptions()
    return UnlimitedOcr(architecture), UnlimitedOcrVendor.from_options(architecture, options)


def test_a_window_of_one_is_more_than_transformers_can():
    with pytest.raises(UsageError, match="a reference window of at least 2"):
        unlimited(windowed(UnlimitedOcr().architecture, 1))


def assert_exact(pair, workload):
    for stage in STAGES:
        comparison = reconcile(*pair, stage, workload)
        assert comparison.verdict == "exact", comparison
        assert comparison.vendor_flops > 0


@settings(max_examples=10, phases=(Phase.explicit, Phase.generate))
@given(ocr2_architectures(), ocr2_workloads())
def test_deepseek_ocr2_is_exact_for_random_architectures(architecture, workload):
    assert_exact(ocr2(architecture), workload)


@settings(max_examples=10, phases=(Phase.explicit, Phase.generate))
@given(architectures(), WINDOWS, workloads())
def test_unlimited_ocr_is_exact_for_random_architectures(architecture, window, workload):
    assert_exact(unlimited(windowed(architecture, window)), workload)


@pytest.mark.parametrize("mode", ["small", "base", "gundam"])
def test_every_mode_of_the_published_deepseek_ocr2(mode):
    model = DeepseekOcr2()
    vendor = DeepseekOcr2Vendor.from_options(model.architecture, VerifiedOptions())
    workload = model.workload(Inputs(mode=mode, image=(1240, 1754), batch_size=2))
    assert_exact((model, vendor), workload)


def test_the_published_models_have_the_published_sizes():
    ours = {"deepseek_ocr2": DeepseekOcr2(), "unlimited_ocr": UnlimitedOcr()}
    vendors = {
        "deepseek_ocr2": DeepseekOcr2Vendor.from_options(
            ours["deepseek_ocr2"].architecture, VerifiedOptions()
        ),
        "unlimited_ocr": UnlimitedOcrVendor.from_options(
            ours["unlimited_ocr"].architecture, VerifiedOptions()
        ),
    }
    parameters = {name: sum(parameters_of(v).values()) for name, v in vendors.items()}
    # Unlimited-OCR has DeepSeek-OCR's weights: a window has none.
    assert parameters == {"deepseek_ocr2": 3_389_119_360, "unlimited_ocr": 3_335_504_128}


ROOTS = {
    "model": "vision/projector/separators",
    "model.vision_tower.sam_encoder": "vision/sam/patch_embed",
}


def parameters_of(vendor):
    found = Counter()
    for name, parameter in vendor._implementation.model.named_parameters():
        module = name.rpartition(".")[0]
        found[ROOTS.get(module) or vendor.component(module)] += parameter.numel()
    return found


def held_weights(model, workload):
    """Return the elements of weights that all stages hold, by component; bfloat16 has 2 bytes."""
    footprint = None
    for stage in STAGES:
        found = price_stage(model, stage, workload).footprint
        footprint = footprint.then(found) if footprint else found
    return {name: held // 2 for name, held in footprint.weight_bytes.items() if held}


@settings(max_examples=5, phases=(Phase.explicit, Phase.generate))
@given(ocr2_architectures(), ocr2_workloads())
def test_deepseek_ocr2_holds_the_parameters_component_by_component(architecture, workload):
    model, vendor = ocr2(architecture)
    assert held_weights(model, workload) == parameters_of(vendor)


def real_cache_elements(vendor, architecture, workload):
    model = vendor._implementation.model
    cache = DynamicCache(config=model.config.text_config)

    def run(tokens):
        states = torch.empty(workload.batch_size, tokens, architecture.decoder.width, device="meta")
        with torch.no_grad():
            model(inputs_embeds=states, past_key_values=cache, use_cache=True, logits_to_keep=1)

    run(workload.context_tokens)
    for _ in range(workload.decode_steps):
        run(1)
    return sum(
        states.numel()
        for layer in cache.layers
        for states in (layer.prefill_keys, layer.prefill_values, layer.keys, layer.values)
    )


@settings(max_examples=8, phases=(Phase.explicit, Phase.generate))
@given(architectures(), WINDOWS, workloads())
def test_unlimited_ocr_holds_the_cache_that_the_real_model_holds(architecture, window, workload):
    model, vendor = unlimited(windowed(architecture, window))
    held = price_stage(model, "decode", workload).footprint.kv_cache_bytes // 2
    assert held == real_cache_elements(vendor, model.architecture, workload)


@given(st.integers(1, 40), st.integers(1, 200), st.integers(1, 20))
def test_a_step_sees_the_prefill_and_the_window(window, context, steps):
    """The core's FLOPs are 4 x width x keys in each layer, eager and flash alike."""
    decoder = Decoder(layers=1, dense_layers=1, reference_window=window)
    model = UnlimitedOcr(attrs.evolve(UnlimitedOcr().architecture, decoder=decoder))
    workload = Workload(context=context, decode_steps=steps)
    keys = sum(context + min(k, window) for k in range(1, steps + 1))
    for mode in (None, Flash()):
        priced = price_stage(model, "decode", workload, mode)
        core = [x.cost.tensor_flops for x in priced.lines if x.component.endswith("attention/core")]
        assert sum(core) == 4 * decoder.width * keys


SMALL = Decoder(
    layers=2,
    width=8,
    heads=2,
    kv_heads=2,
    mlp_width=6,
    experts=3,
    experts_per_token=2,
    shared_experts=1,
    expert_width=5,
    vocabulary=11,
    reference_window=6,
)


def small_unlimited(window=6):
    decoder = attrs.evolve(SMALL, reference_window=window)
    return attrs.evolve(UnlimitedOcr().architecture, decoder=decoder)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [3, 20])
def test_decoding_is_proved_for_every_number_of_steps(steps):
    """Also beyond the window, whichever side of it the workload is on."""
    model, vendor = unlimited(small_unlimited())
    workload = Workload(context=9, decode_steps=steps)
    proof = proof_of(model, vendor, workload, stages={"decode"})
    whole = equations(proof)["decode", None]
    assert proof.verdict == "proved"
    assert whole.difference == 0
    assert "steps up to 5 and from 6 on were traced separately" in whole.assumptions


@pytest.mark.slow
def test_a_window_that_is_off_by_one_is_found():
    """It gives the same count below the window, so that only the law tells."""
    model, _vendor = unlimited(small_unlimited(7))
    _model, vendor = unlimited(small_unlimited(6))
    workload = Workload(context=9, decode_steps=3)
    assert reconcile(model, vendor, "decode", workload).verdict == "exact"
    proof = proof_of(model, vendor, workload, stages={"decode"})
    assert equations(proof)["decode", "decoder/attention/core"].verdict == "differs"


@pytest.mark.slow
def test_deepseek_ocr2_is_proved():
    architecture = Architecture(
        sam=attrs.evolve(Architecture().sam, layers=1, global_layers=(), width=12, heads=2),
        encoder=Encoder(layers=1, mlp_width=10),
        decoder=attrs.evolve(SMALL, reference_window=None),
    )
    model, vendor = ocr2(architecture)
    workload = Ocr2Workload(view_size=768, tile_rows=1, tile_cols=2, decode_steps=4)
    assert proof_of(model, vendor, workload).verdict == "proved"


@given(st.integers(1, 6000), st.integers(1, 6000), sizes((640, 32), (768, 6)))
def test_the_grid_is_the_one_that_transformers_chooses(width, height, tiling):
    size, most = tiling
    chosen = choose_grid(width, height, Tiling(size=size, most=most))
    if max(width, height) <= size:
        assert chosen is None
    else:
        cols, rows = get_optimal_tiled_canvas((height, width), (size, size), 2, most)
        assert chosen == CropGrid(rows=rows, cols=cols)


@given(st.integers(1, 3), st.integers(1, 3))
def test_tokens_of_a_deepseek_ocr2_page(rows, cols):
    inputs = Inputs(crop_grid=CropGrid(rows=rows, cols=cols), prompt_tokens=0)
    workload = DeepseekOcr2().workload(inputs)
    assert workload.image_tokens == 256 + 144 * rows * cols + 1


def test_features_and_queries_wait_while_the_encoders_angles_are_made():
    model = DeepseekOcr2()
    encoder = model.architecture.encoder
    # 256 features of a view and as many queries; angles, cosines and sines of their positions.
    for op in model.ops("vision", Ocr2Workload(batch_size=3)):
        if op.component == "vision/encoder/rope":
            assert op.peak() == 3 * 512 * encoder.width + 3 * 512 * encoder.head_dim
