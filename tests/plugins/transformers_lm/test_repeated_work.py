"""What the vendor works more than an engine that serves the model, against counts by hand."""

import pytest

from flopbench.text import tera
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, small_config

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
    assert f"({experts * one:,} FLOPs), where the {chosen} of {experts}" in note
    assert note.endswith(f"need {tera(chosen * one)} ({chosen * one:,})")
    assert note.startswith("prefill: transformers runs experts that no token chose")


def test_latents_of_earlier_tokens_are_expanded_again_in_each_step():
    config = small_config("deepseek_v3")
    (note,) = notes(config, "decode")
    # 2 sequences, 2 layers, 4 heads; 12 -> 4 * (10 + 14); 6, 7 and 8 earlier tokens.
    again = 2 * 2 * (6 + 7 + 8) * 12 * 4 * (10 + 14) * 2
    assert "expands the latents of all earlier tokens" in note
    assert f": {tera(again)} of " in note
    assert notes(config, "prefill") == ()


@pytest.mark.parametrize("stage", ["prefill", "decode"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "mixtral", "gpt_oss"])
def test_a_model_that_works_no_more_than_it_must_says_nothing(kind, stage):
    assert notes(small_config(kind), stage) == ()


def test_a_model_without_a_cache_repeats_the_earlier_tokens():
    overrides = {"n_embd": 64, "n_head": 4, "n_layer": 2, "vocab_size": 128}
    (note,) = notes(read_config("openai-gpt", LmOptions(overrides=overrides)), "decode")
    # 2 sequences, 2 layers, 64 -> 3 * 64; 6, 7 and 8 earlier tokens.
    assert "keeps no cache" in note
    assert f": {tera(2 * 2 * (6 + 7 + 8) * 64 * 192 * 2)} of " in note


def test_a_selective_scan_is_told():
    overrides = {"hidden_size": 16, "num_hidden_layers": 1, "state_size": 4, "vocab_size": 32}
    config = read_config("mamba", LmOptions(overrides=overrides))
    (note,) = notes(config, "prefill")
    assert "selective scan token by token" in note
