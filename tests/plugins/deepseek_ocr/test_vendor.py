"""The vendor model: always eager, built without weights, and its work always has a place."""

import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.errors import CountError, UsageError
from flopbench.vendor.counting import count_stage
from flopbench_deepseek_ocr import vendor_native
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.architecture import Architecture, Decoder, read_architecture
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.vendor_remote import RemoteCode
from flopbench_deepseek_ocr.workload import Workload
from support.stages import price_stage, reconcile

WORKLOAD = Workload(tile_rows=2, tile_cols=3)


def native(vendor):
    return vendor._implementation.model


def test_every_part_attends_eagerly_and_routes_by_batched_mm(vendor):
    configs = {
        name: module.config
        for name, module in native(vendor).named_modules()
        if hasattr(module, "config")
    }
    assert len(configs) > 20
    assert {c._attn_implementation for c in configs.values()} == {"eager"}
    text = native(vendor).config.text_config
    assert text._experts_implementation == "batched_mm"
    assert set(text.layer_types) == {"full_attention"}


@pytest.mark.parametrize("attention", ["sdpa", "flash_attention_2", "flex_attention"])
def test_other_attention_is_asked_for_on_the_analytic_side(attention):
    with pytest.raises(ValueError, match=r"must be 'eager'.*--attention"):
        VendorOptions(attention=attention)


def test_a_model_that_attends_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(vendor_native, "ATTENTION", "sdpa")
    with pytest.raises(CountError, match="uses sdpa attention, not eager"):
        _ = vendor_native.Native(Architecture()).model


def test_nothing_is_allocated(vendor):
    parameters = list(native(vendor).parameters())
    assert {p.device.type for p in parameters} == {"meta"}
    assert sum(p.numel() for p in parameters) == 3_335_504_128


@pytest.mark.parametrize("stage", ["vision", "prefill", "decode"])
def test_all_counted_work_has_a_component_and_none_is_uncounted(stage, vendor):
    count = TorchCounter().count(vendor.stage(stage, WORKLOAD).prepare(1))
    components = {vendor.component(entry.module) for entry in count.counted}
    assert not any(component.startswith("unmapped") for component in components)
    assert count.uncounted == ()


def test_an_unknown_module_is_not_lost(vendor):
    assert vendor.component("model.brand_new.part") == "unmapped/model.brand_new.part"


BLOCK = "model.vision_model.transformer.layers.7"


@pytest.mark.parametrize(
    ("module", "op", "component"),
    [
        (BLOCK, "aten.bmm", "vision/clip/attention/core"),
        (BLOCK, "aten.baddbmm", "vision/clip/attention/core"),
        (BLOCK, "aten.addmm", f"unmapped/{BLOCK}"),
        (f"{BLOCK}.self_attn", "aten.bmm", "vision/clip/attention/core"),
        (f"{BLOCK}.self_attn.qkv_proj", "aten.addmm", "vision/clip/attention/qkv"),
        (f"{BLOCK}.mlp.fc1", "aten.addmm", "vision/clip/mlp"),
        (f"{BLOCK}.brand_new", "aten.bmm", f"unmapped/{BLOCK}.brand_new"),
        ("model.layers.7", "aten.bmm", "unmapped/model.layers.7"),
    ],
)
def test_a_block_of_the_published_code_does_its_attention_core_itself(module, op, component):
    folder = Path(__file__).with_name("checkpoint")
    architecture = read_architecture(folder / "config.json")
    published = DeepseekOcrVendor(RemoteCode(folder, architecture))
    assert published.component_of(module, op) == component
    if module == BLOCK:
        assert published.component(module) == f"unmapped/{BLOCK}"


def test_sampled_steps_give_the_sum_of_every_step(vendor):
    workload = attrs.evolve(WORKLOAD, decode_steps=7)
    every = DeepseekOcrVendor(vendor._implementation, every_step=True)
    sampled = count_stage(TorchCounter(), vendor.stage("decode", workload))
    complete = count_stage(TorchCounter(), every.stage("decode", workload))
    assert set(sampled.count.counted) == set(complete.count.counted)
    assert any("steps 1, 2, 4, 6, 7 were counted" in note for note in sampled.assumptions)
    assert not any("were counted" in note for note in complete.assumptions)


def test_grouped_query_attention_is_not_what_transformers_has():
    architecture = Architecture(decoder=Decoder(kv_heads=5))
    with pytest.raises(UsageError, match="as many KV heads as heads"):
        DeepseekOcrVendor.from_options(architecture, VendorOptions())


PLANTED = {
    "a decoder layer too many": (
        lambda a: attrs.evolve(a, decoder=attrs.evolve(a.decoder, layers=13)),
        "prefill",
        {
            "decoder/attention/qkv",
            "decoder/attention/core",
            "decoder/attention/out",
            "decoder/moe/router",
            "decoder/moe/experts",
            "decoder/moe/shared",
        },
    ),
    "all layers with experts": (
        lambda a: attrs.evolve(a, decoder=attrs.evolve(a.decoder, dense_layers=0)),
        "decode",
        {"decoder/mlp", "decoder/moe/router", "decoder/moe/experts", "decoder/moe/shared"},
    ),
    "another window": (
        lambda a: attrs.evolve(a, sam=attrs.evolve(a.sam, window=16)),
        "vision",
        {"vision/sam/attention/qkv", "vision/sam/attention/core", "vision/sam/attention/out"},
    ),
    "one expert fewer per token": (
        lambda a: attrs.evolve(a, decoder=attrs.evolve(a.decoder, experts_per_token=5)),
        "prefill",
        {"decoder/moe/experts"},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_differs_in_just_its_components(name, vendor):
    change, stage, wrong = PLANTED[name]
    comparison = reconcile(DeepseekOcr(change(Architecture())), vendor, stage, WORKLOAD)
    assert comparison.verdict == "differs"
    assert {c.component for c in comparison.components if c.difference} == wrong
    named = [component for component in wrong if component in comparison.reason]
    assert len(named) == min(len(wrong), 5)  # a reason names five, and says how many more
    assert (f"and {len(wrong) - 5} more" in comparison.reason) == (len(wrong) > 5)


def test_a_decode_off_by_one_key_differs_in_the_attention_core(model, vendor):
    off_by_one = attrs.evolve(WORKLOAD, prompt_tokens=11)
    counted = count_stage(TorchCounter(), vendor.stage("decode", WORKLOAD)).count.flops
    priced = price_stage(model, "decode", off_by_one).torch_visible_flops
    assert priced - counted == 61440 * 100


def test_a_page_whose_tokens_are_not_the_workloads_is_an_error(vendor, monkeypatch):
    monkeypatch.setattr(Workload, "image_tokens", property(lambda self: 1))
    with pytest.raises(CountError, match="the vendor makes 893 tokens per page, not 1"):
        TorchCounter().count(vendor.stage("vision", WORKLOAD).prepare(1))


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_its_libraries_the_vendor_says_what_to_install(missing):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; "
        "sys.argv = ['flopbench', 'run', 'deepseek_ocr']; "
        "from flopbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "the vendor side needs torch and transformers >= 5.20" in line
