"""Models whose decoder reads the image by cross-attention: what is their own."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DonutImageProcessorPil, DonutSwinConfig, DonutSwinModel

from flopbench import UsageError
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_vlm.families.encoder_decoder import require_thumbnail
from flopbench_transformers_vlm.workload import Inputs
from plugins.transformers_vlm.vl_helpers import model_of, processed, vendor_of, workload_of

PAGE = Inputs(image=(1_240, 1_754))
DONUT = {"image_size": [2_560, 1_920], "window_size": 10}
NOUGAT = {"image_size": [896, 672]}


def held(model, stage, workload):
    priced = price(model.ops(stage, workload), Eager(), Eager(), Conventions(), "float32")
    return priced.footprint.kv_cache_bytes


@pytest.mark.parametrize(
    ("kind", "encoder", "tokens"),
    [("donut", DONUT, 4_800), ("nougat", NOUGAT, 588), ("trocr", {"image_size": 384}, 577)],
)
def test_published_sizes_have_as_many_vectors_as_is_known(kind, encoder, tokens):
    workload = model_of(kind, {"encoder": encoder}).workload(PAGE)
    assert (workload.image_tokens, workload.memory, workload.context_tokens) == (tokens, tokens, 10)


def test_florence_reads_the_prompt_beside_the_image_and_decodes_from_one_token():
    workload = model_of("florence2").workload(PAGE)
    assert (workload.image_tokens, workload.memory, workload.context_tokens) == (577, 587, 1)


def test_the_cache_holds_the_memory_once():
    fields = {"decoder": {"d_model": 16, "decoder_attention_heads": 2, "decoder_layers": 3}}
    model = model_of("trocr", fields)
    workload = workload_of(model, (30, 40), prompt_tokens=4, decode_steps=7)
    per_token = 4 * 2 * 3 * 16  # float32, keys and values, layers, width
    assert held(model, "prefill", workload) == per_token * (workload.memory + 4)
    assert held(model, "decode", workload) == per_token * (workload.memory + 4 + 7)


def test_a_decode_step_projects_the_memory_again_only_if_the_widths_differ():
    def projects(**decoder):
        model = model_of("trocr", {"decoder": decoder})
        workload = workload_of(model, (30, 40), prompt_tokens=1)
        return "decoder/memory" in {op.component for op in model.ops("decode", workload)}

    assert projects()  # 768 and 1024
    assert not projects(cross_attention_hidden_size=768)
    assert not projects(d_model=768)


@settings(max_examples=15)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([(9, 7), (7, 9), (8, 8)]))
def test_donut_refuses_the_pages_that_its_processor_refuses(width, height, size):
    processor = DonutImageProcessorPil(size={"height": size[0], "width": size[1]})
    pixels = torch.zeros(3, height, width, dtype=torch.uint8)
    try:
        made = processor(pixels, return_tensors="pt")["pixel_values"].shape[-2:]
    except ValueError:
        with pytest.raises(UsageError, match="less than one pixel wide"):
            require_thumbnail(width, height, size)
    else:
        require_thumbnail(width, height, size)
        assert tuple(made) == size


@pytest.mark.parametrize("kind", ["pix2struct", "kosmos-2.5"])
@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 60))
def test_a_page_fills_as_many_patches_as_its_processor_says(kind, width, height, most):
    model = model_of(kind, settings={"max_patches": most})
    made = processed(model, width, height)
    (view,) = model._family.cut(width, height).views
    assert made["flattened_patches"].shape[1] == most
    assert view.rows * view.cols == int(made["attention_mask"].sum())


def test_patches_that_the_tower_does_not_take():
    model = model_of("pix2struct", settings={"patch_size": {"height": 8, "width": 16}})
    with pytest.raises(UsageError, match="have 384 elements, but the tower takes 768"):
        model.workload(PAGE)


def test_a_window_larger_than_its_grid_is_not_covered_and_does_not_run():
    sizes = {"image_size": 16, "embed_dim": 8, "num_heads": [1], "depths": [1], "window_size": 5}
    model = model_of("donut", {"encoder": sizes})
    assert "do not cover window_size=5" in model.no_closed_forms
    with pytest.raises(RuntimeError):
        DonutSwinModel(DonutSwinConfig(**sizes))(torch.zeros(1, 3, 16, 16))


@pytest.mark.parametrize(
    ("kind", "options", "inputs", "message"),
    [
        ("donut", {}, {"images": ((1, 2), (3, 4))}, "reads 1 image per prompt, but .* has 2"),
        ("donut", {}, {"prompt_tokens": 0}, "begins with one token at least"),
        ("donut", {}, {"image": (9_000_000, 1)}, "less than one pixel wide"),
        ("donut", {"settings": {"do_pad": False}}, {}, "do_pad=false"),
        ("trocr", {"settings": {"size": {"height": 9, "width": 9}}}, {}, "the tower takes 224"),
        ("trocr", {"settings": {"size": {"shortest_edge": 9}}}, {}, "takes images of one size"),
        ("florence2", {"settings": {"size": {"height": 1_664, "width": 32}}}, {}, "ends at 50"),
    ],
)
def test_what_a_tower_of_one_size_does_not_take(kind, options, inputs, message):
    with pytest.raises(UsageError, match=message):
        model_of(kind, **options).workload(
            Inputs(**{"image": (300, 400), **inputs} if "images" not in inputs else inputs)
        )


def test_an_encoder_without_closed_forms_is_named():
    with pytest.raises(UsageError, match="type donut-swin, vit, deit, not 'beit'"):
        model_of("vision-encoder-decoder", {"encoder": {"model_type": "beit"}})


def test_a_decoder_without_closed_forms_is_named_and_runs_all_the_same():
    reads = {"model_type": "bert", "is_decoder": True, "add_cross_attention": True}
    fields = {"encoder": {"num_hidden_layers": 1}, "decoder": {**reads, "num_hidden_layers": 1}}
    model = model_of("vision-encoder-decoder", fields)
    assert "type bart, mbart, pix2struct_text_model, trocr, not 'bert'" in model.no_closed_forms
    workload = workload_of(model, (30, 40), prompt_tokens=2, decode_steps=1)
    for stage in ("vision", "prefill", "decode"):
        vendor_of(model).stage(stage, workload).prepare(1).run()


@pytest.mark.parametrize(
    ("kind", "chooses"), [("donut", True), ("florence2", True), ("trocr", False)]
)
def test_a_decoder_that_cannot_leave_out_logits_says_so(kind, chooses):
    model = model_of(kind)
    workload = workload_of(model, (30, 40), prompt_tokens=3, lm_head="last")
    said = vendor_of(model).notes("prefill", workload, {})
    assert bool(said) is not chooses
    assert vendor_of(model).stage("prefill", workload).assumptions == said


def test_a_file_says_which_parts_it_has(tmp_path):
    path = tmp_path / "config.json"
    decoder = {"model_type": "mbart", "d_model": 32, "decoder_attention_heads": 4}
    encoder = {"model_type": "deit", "hidden_size": 24, "num_attention_heads": 3}
    kind = "vision-encoder-decoder"
    path.write_text(json.dumps({"model_type": kind, "encoder": encoder, "decoder": decoder}))
    model = model_of(kind, config=str(path))
    assert model.no_closed_forms is None
    assert model.workload(PAGE).image_tokens == 14 * 14 + 2
    assert type(model).for_file(path) == f"vl/{kind}"


def test_a_type_that_is_no_text_is_nobodys(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": ["vision-encoder-decoder"]}))
    assert type(model_of("vision-encoder-decoder")).for_file(path) is None
