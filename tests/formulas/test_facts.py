"""The facts of a model are those of its config, and its parameters are the real model's."""

import attrs
import pytest
from decoder_configs import MODELS, settings_of

import flopbench
from flopbench.formulas import DoesNotApplyError, Latent

SMALL = {
    "llama": {"num_key_value_heads": 2},
    "gpt2": {},
    "gemma3_text": {"head_dim": 8, "num_key_value_heads": 2},
    "qwen3_moe": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 12,
        "head_dim": 8,
    },
    "mixtral": {"num_local_experts": 4, "num_key_value_heads": 2},
    "gpt_oss": {"num_local_experts": 4, "head_dim": 8, "num_key_value_heads": 2},
    "deepseek_v3": {
        "num_key_value_heads": 4,
        "n_routed_experts": 8,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 12,
        "first_k_dense_replace": 1,
        "q_lora_rank": 12,
        "kv_lora_rank": 8,
        "qk_nope_head_dim": 8,
        "qk_rope_head_dim": 4,
        "v_head_dim": 6,
    },
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "bloom": {},
    "phi": {},
    "qwen2_moe": {
        "num_experts": 4,
        "moe_intermediate_size": 12,
        "num_experts_per_tok": 2,
        "shared_expert_intermediate_size": 20,
        "num_key_value_heads": 2,
    },
}
SIZES = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "vocab_size": 70}


def facts_of(model, overrides, **workload):
    options = settings_of(model, overrides)
    found = flopbench.referee(model, workload=workload, model_options=options, formulas="6nd")
    return found.phases[0].facts


@pytest.mark.parametrize("kind", SMALL)
def test_parameters_are_those_of_the_real_model(kind):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    names = {"gpt2": {"hidden_size": "n_embd", "num_attention_heads": "n_head"}}
    names["gpt2"]["num_hidden_layers"] = "n_layer"
    names["bloom"] = {"num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}
    overrides = {names.get(kind, {}).get(name, name): size for name, size in SIZES.items()}
    overrides |= SMALL[kind]
    config = AutoConfig.for_model(kind, **overrides)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    facts = facts_of(f"hf/{kind}", overrides, context_tokens=8)
    assert facts.parameters.all == model.num_parameters()
    found = facts.parameters
    embeddings = found.tokens + found.positions + (found.head if facts.tied else 0)
    assert found.all - embeddings == model.num_parameters(exclude_embeddings=True)


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name][0] != "deepseek_ocr"])
def test_sizes_are_those_of_the_config(name):
    from transformers import AutoConfig

    model, overrides = MODELS[name]
    config = AutoConfig.for_model(model.removeprefix("hf/"), **overrides)
    facts = facts_of(model, overrides, context_tokens=2000, batch_size=3)
    assert (facts.batch, facts.sequence, facts.tokens, facts.logits) == (3, 2000, 6000, 6000)
    assert facts.layers == config.num_hidden_layers
    assert facts.width == config.hidden_size
    assert facts.heads == config.num_attention_heads
    assert facts.vocabulary == config.vocab_size
    assert facts.tied is config.tie_word_embeddings
    if (experts := getattr(config, "num_experts_per_tok", None)) is not None:
        assert facts.moe.per_token == experts
    windows = [kind for kind in getattr(config, "layer_types", None) or () if "sliding" in kind]
    assert facts.windowed_layers == len(windows)
    assert facts.window == (config.sliding_window if windows else None)


def test_latent_attention_has_its_ranks():
    facts = facts_of("hf/deepseek_v3", {}, context_tokens=8)
    assert facts.latent == Latent(query_rank=1536, kv_rank=512, rope_dim=64)
    assert (facts.head_dim, facts.value_dim) == (192, 128)
    assert (facts.dense.layers, facts.moe.layers, facts.moe.shared) == (3, 58, 2048)
    with pytest.raises(DoesNotApplyError, match="it has no latent attention"):
        facts.require_separate()


def test_a_fact_that_layers_do_not_share_is_none_to_ask_for():
    facts = facts_of("hf/llama", {"num_hidden_layers": 2}, context_tokens=8)
    (group,) = facts.attention
    mixed = attrs.evolve(facts, attention=(group, attrs.evolve(group, heads=8)))
    with pytest.raises(DoesNotApplyError, match="one number of heads for all layers, not 8, 32"):
        _ = mixed.heads


@pytest.mark.parametrize(
    ("kind", "overrides"),
    [
        ("llama", {"intermediate_size": 32}),
        ("gemma3_text", {"intermediate_size": 32, "head_dim": 8, "num_key_value_heads": 2}),
        ("qwen3_moe", {**SMALL["qwen3_moe"], "intermediate_size": 32, "mlp_only_layers": [0]}),
        ("qwen2_moe", {**SMALL["qwen2_moe"], "shared_expert_intermediate_size": 1}),
    ],
)
def test_an_mlp_may_be_as_wide_as_the_model_and_a_shared_expert_as_its_gate(kind, overrides):
    options = settings_of(f"hf/{kind}", SIZES | overrides)
    found = flopbench.referee(f"hf/{kind}", workload={"context_tokens": 8}, model_options=options)
    assert found.unexplained == ()
    facts = found.phases[0].facts
    assert all(group.gated and group.inner == 32 for group in facts.mlps)
    assert bool(facts.mlps) is (kind != "qwen2_moe")
    assert facts.mlps or [group.shared for group in facts.moes] == [1]
