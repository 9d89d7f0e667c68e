"""What the vendor works more than an engine that serves the model, against counts by hand."""

import pytest

from flopbench.text import tera
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, small_config
from plugins.transformers_lm.recurrent_configs import recurrent_config
from plugins.transformers_lm.tiny_configs import few, tiny

WORKLOAD = Workload(batch_size=2, context_tokens=6, decode_steps=3)


def notes(config, stage, workload=WORKLOAD):
    vendor = HfVendor.from_options(config, HfVendor.options_type())
    counted = attribute(count_stage(COUNTER, vendor.stage(stage, workload)), vendor.component_of)
    flops = {}
    for entry in counted.entries:
        flops[entry.component] = flops.get(entry.component, 0) + entry.flops
    return vendor.notes(stage, workload, flops)


@pytest.mark.parametrize(("experts", "chosen"), [(16, 1), (8, 2), (2, 1)])
def test_llama_4_runs_experts_that_no_token_chose(experts, chosen):
    sizes = {"hidden_size": 64, "intermediate_size": 96, "intermediate_size_mlp": 96}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
    moe = {"num_local_experts": experts, "num_experts_per_tok": chosen, "moe_layers": [0, 1]}
    overrides = {**sizes, **heads, **moe, "num_hidden_layers": 2, "vocab_size": 128}
    config = read_config("llama4_text", LmOptions(overrides=overrides))
    (note,) = notes(config, "prefill")
    # 12 tokens, 2 layers, three matrices of 64 x 96 per expert; a MAC is 2.
    one = 12 * 2 * 3 * 64 * 96 * 2
    assert f"({experts * one:,} FLOPs); the {chosen} of {experts}" in note
    assert note.endswith(f"would need {tera(chosen * one)} ({chosen * one:,})")
    assert note.startswith("prefill: transformers runs experts that no token chose")


def test_latents_of_earlier_tokens_are_expanded_again_in_each_step():
    config = small_config("deepseek_v3")
    (note,) = notes(config, "decode")
    # 2 sequences, 2 layers, 4 heads; 12 -> 4 * (10 + 14); 6, 7 and 8 earlier tokens.
    again = 2 * 2 * (6 + 7 + 8) * 12 * 4 * (10 + 14) * 2
    # 64 -> 20 -> 4 * (10 + 8), 64 -> 12 + 8, 12 -> 4 * (10 + 14); 2 sequences, 2 layers, 3 steps.
    once = 2 * 2 * 3 * (64 * 20 + 20 * 4 * 18 + 64 * 20 + 12 * 4 * 24) * 2
    assert f"({again:,} FLOPs) expand the latents of earlier tokens again" in note
    assert note.startswith(f"decode: {tera(again + once)} TFLOPs were counted in decoder/attention")
    assert note.endswith(f"{tera(once)} are for the new ones")
    assert notes(config, "prefill") == ()


SCANS = {"falcon_mamba", "jamba", "mamba", "zamba"}
"""Types whose prefill is a loop over tokens, which is said."""

ALL_EXPERTS = "llama4_text"
"""The type that runs all experts on each token."""

MIXED = "rwkv"
"""The type whose steps mix each new token with the last ones of all sequences."""

FAST = {"deepseek_v3", "gemma2", "gpt2", "gpt_oss", "llama", "mixtral"}


@pytest.mark.parametrize("kind", few(FAMILIES, FAST))
def test_a_model_that_works_no_more_than_it_must_says_nothing(kind):
    config = tiny(kind)
    latent = config.get("kv_lora_rank") is not None
    found = [bool(notes(config, stage)) for stage in ("prefill", "decode")]
    assert found == [
        kind in {*SCANS, ALL_EXPERTS},
        latent or kind in {ALL_EXPERTS, MIXED},
    ]
    said = [note for note in HfModel(config).notes() if "expands the latents" in note]
    assert bool(said) == latent


@pytest.mark.parametrize(("kind", "told"), [(ALL_EXPERTS, 1), ("mixtral", 0)])
def test_a_model_whose_tokens_run_through_all_experts_says_so(kind, told):
    fields = {"num_local_experts": 4, "num_hidden_layers": 2}
    for number, expected in ((2, told), (4, 0)):
        overrides = {**fields, "num_experts_per_tok": number}
        said = HfModel(read_config(kind, LmOptions(overrides=overrides))).notes()
        assert len([note for note in said if "runs through all experts" in note]) == expected


def test_weights_that_layers_share_work_once_in_each():
    """Zamba has a cache, and one block that runs in two of its four layers."""
    config = recurrent_config("zamba")
    for stage in ("prefill", "decode"):
        assert not [note for note in notes(config, stage) if "counted" in note]


def test_a_model_without_a_cache_repeats_the_earlier_tokens():
    overrides = {"n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 128}
    (note,) = notes(read_config("openai-gpt", LmOptions(overrides=overrides)), "decode")
    # 2 sequences, 2 layers, 64 -> 3 * 64; 6, 7 and 8 earlier tokens.
    again = 2 * 2 * (6 + 7 + 8) * 64 * 192 * 2
    assert f"({again:,} FLOPs) repeat earlier tokens, for which transformers keeps no" in note


def test_a_selective_scan_is_told():
    overrides = {"hidden_size": 16, "num_hidden_layers": 1, "state_size": 4, "vocab_size": 32}
    config = read_config("mamba", LmOptions(overrides=overrides))
    (note,) = notes(config, "prefill")
    assert "selective scan token by token" in note
