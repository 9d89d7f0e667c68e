"""Experts and latent attention: closed forms of configs against transformers' own models."""

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.blocks import LatentAttention, prefill_pass
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.families.fields import NotCoveredError
from flopbench_transformers_lm.families.latent import LATENT
from flopbench_transformers_lm.families.moe import MOE
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, priced_angles, small_config, vendor_angles
from support.stages import reconcile

LAYERS = 3
ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()
slides = st.lists(choice("sliding_attention", "full_attention"), min_size=LAYERS, max_size=LAYERS)
sparse = st.lists(choice("dense", "sparse"), min_size=LAYERS, max_size=LAYERS)
window, biases = ints(2, 6), {"attention_bias": flag}
local = {"num_local_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2)}
global_ = {"num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2)}
qwen = {
    **global_,
    "moe_intermediate_size": ints(3, 7),
    "decoder_sparse_step": ints(1, 2),
    "mlp_only_layers": choice([], [0], [0, 2]),
    "norm_topk_prob": flag,
}
routed = {
    "n_routed_experts": choice(4, 8),
    "num_experts_per_tok": ints(1, 2),
    "n_group": ints(1, 2),
    "topk_group": st.just(1),
    "n_shared_experts": ints(1, 2),
    "moe_intermediate_size": ints(3, 7),
}
first_dense = {"first_k_dense_replace": ints(0, LAYERS)}
latent = {
    "q_lora_rank": choice(None, 5),
    "kv_lora_rank": ints(1, 9),
    "qk_nope_head_dim": ints(1, 9),
    "qk_rope_head_dim": choice(2, 6),
    "v_head_dim": ints(1, 9),
    **biases,
}
VARIANTS = {
    # Rotated parts must begin at even elements: torch views two floats as one complex number.
    "deepseek_v2": latent | routed | first_dense | {
        "topk_method": choice("greedy", "group_limited_greedy"), "mlp_bias": flag,
        "kv_lora_rank": choice(2, 8), "qk_nope_head_dim": choice(2, 8),
    },
    "deepseek_v3": latent | routed | first_dense | {"norm_topk_prob": flag},
    "dots1": routed | first_dense | biases | {"layer_types": slides, "sliding_window": window},
    "ernie4_5_moe": {
        "moe_num_experts": ints(2, 5), "moe_k": ints(1, 2), "moe_intermediate_size": ints(3, 7),
        "moe_num_shared_experts": ints(0, 2), "moe_layer_start_index": ints(0, 2),
        "moe_layer_end_index": ints(-1, 2), "moe_layer_interval": ints(1, 2), "use_bias": flag,
    },
    "flex_olmo": global_ | biases,
    "glm4_moe": routed | first_dense | biases | {"use_qk_norm": flag},
    "glm4_moe_lite": latent | routed | {"mlp_layer_types": sparse},
    "gpt_oss": local | biases | {
        "layer_types": slides, "sliding_window": window, "head_dim": choice(2, 6)
    },
    "granitemoe": local | biases,
    "granitemoeshared": local | biases | {"shared_intermediate_size": choice(0, 3)},
    "hunyuan_v1_moe": {
        "num_experts": ints(2, 5), "moe_topk": choice(1, 2, [1, 2, 1]), "head_dim": choice(2, 6)
    } | biases,
    "minimax_m2": local | {"head_dim": choice(4, 8)},
    "mixtral": local | {"sliding_window": choice(None, 2, 5), "head_dim": choice(None, 2, 6)},
    "olmoe": global_ | biases | {"norm_topk_prob": flag, "clip_qkv": choice(None, 2.0)},
    "phimoe": biases | {
        "num_local_experts": ints(2, 5), "num_experts_per_tok": st.just(2), "lm_head_bias": flag,
        "sliding_window": choice(None, 2, 5),
    },
    "qwen2_moe": qwen | {
        "shared_expert_intermediate_size": ints(3, 7), "qkv_bias": flag, "layer_types": slides,
        "sliding_window": window, "use_sliding_window": st.just(value=True),
    },
    "qwen3_moe": qwen | biases | {"sliding_window": window, "use_sliding_window": flag},
    "solar_open": routed | biases | {"head_dim": choice(2, 6)},
    "youtu": latent,
}  # fmt: skip
"""What the form of each family depends on, beside the usual dimensions."""

MUST_SAY = {
    "deepseek_v2": {"num_experts_per_tok": 6},
    "dots1": {"num_experts_per_tok": 6, "n_routed_experts": 64, "n_shared_experts": 2},
    "hunyuan_v1_moe": {"head_dim": 128},
}
"""Fields whose default is null, which transformers does not run."""


@st.composite
def configs(draw, kind):
    heads_of_one, kv_heads = draw(ints(1, 3)), draw(ints(1, 2))
    heads = heads_of_one * kv_heads
    overrides = {
        "vocab_size": draw(ints(3, 9)),
        "hidden_size": heads * draw(choice(4, 6)),
        "intermediate_size": draw(ints(3, 9)),
        "num_hidden_layers": LAYERS,
        "num_attention_heads": heads,
        "num_key_value_heads": heads if kind in LATENT else kv_heads,
        "tie_word_embeddings": draw(flag),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    } | {field: draw(values) for field, values in VARIANTS[kind].items()}
    if kind == "solar_open":
        del overrides["intermediate_size"]
    return read_config(kind, LmOptions(overrides=overrides))


workloads = st.builds(
    Workload,
    batch_size=ints(1, 2),
    context_tokens=ints(1, 8),
    decode_steps=ints(1, 3),
    lm_head=choice("all", "last"),
)


def assert_exact(config, workload):
    model, vendor = HfModel.for_name(f"hf/{config.model_type}")(config), HfVendor(config)
    assert model.no_closed_forms is None
    assert priced_angles(model) == vendor_angles(vendor._real.module)
    for stage in ("prefill", "decode"):
        found = reconcile(model, vendor, stage, workload)
        assert (found.verdict, found.reason, found.difference) == ("exact", None, 0), stage


def held(config, batch, tokens):
    """Return the weights and the cached elements of a prefill, by the closed forms."""
    run = prefill_pass(batch=batch, context=tokens, head_rows=1)
    ops = FAMILIES[config.model_type](config).ops(run)
    footprint = price(ops, Eager(), Eager(), Conventions(), "float32").footprint
    return footprint.total_weight_bytes // 4, footprint.kv_cache_bytes // 4


def really_held(config, batch, tokens):
    """Return the parameters of the real model, and the elements that its cache holds.

    The routers' corrections are learned, though most models register them as buffers.
    """
    real = RealModel(config)
    buffers = dict(real.module.named_buffers())
    learned = [b for name, b in buffers.items() if name.endswith("correction_bias")]
    parameters = sum(p.numel() for p in [*real.module.parameters(), *learned])
    layers = real.run_prefill(batch, tokens)["past_key_values"].layers
    kept = [layer for layer in layers if layer.keys is not None]  # others use an earlier one's
    return parameters, sum(layer.keys.numel() + layer.values.numel() for layer in kept)


def test_every_family_here_has_its_variants():
    assert VARIANTS.keys() == {**MOE, **LATENT}.keys()


@pytest.mark.parametrize("kind", VARIANTS)
@settings(max_examples=2, phases=[Phase.generate])
@given(st.data())
def test_small_configs_are_exact_and_hold_what_the_model_holds(kind, data):
    config, workload = data.draw(configs(kind)), data.draw(workloads)
    assert_exact(config, workload)
    sizes = workload.batch_size, workload.context_tokens
    assert held(config, *sizes) == really_held(config, *sizes)


@pytest.mark.parametrize("kind", VARIANTS)
def test_four_layers_of_the_class_defaults_are_exact(kind):
    overrides = {"num_hidden_layers": 4, **MUST_SAY.get(kind, {})}
    workload = Workload(context_tokens=140, decode_steps=2)  # more than gpt-oss's window
    assert_exact(read_config(kind, LmOptions(overrides=overrides)), workload)


@pytest.mark.parametrize("past_tokens", [1, 6, 7])
def test_deepseek_v3_makes_keys_and_values_of_the_whole_cache_at_each_step(past_tokens):
    config, batch = small_config("deepseek_v3"), 2
    real, vendor = RealModel(config), HfVendor(config)
    group = FAMILIES["deepseek_v3"](config).groups[0]
    block = group.attention
    assert isinstance(block, LatentAttention)
    # The cache has a latent vector and a rotated key per token: no keys or values of heads.
    for layer in real.run_prefill(batch, past_tokens)["past_key_values"].layers:
        assert layer.keys.shape == (batch, 1, past_tokens, block.kv_rank)
        assert layer.values.shape == (batch, 1, past_tokens, block.rope_dim)
    workload = Workload(batch_size=batch, context_tokens=past_tokens, decode_steps=1)
    counted = count_stage(COUNTER, vendor.stage("decode", workload)).count.counted
    spent = [entry.flops for entry in counted if entry.module.endswith("kv_b_proj")]
    width = block.heads * (block.nope_dim + block.value_dim)
    once = 2 * batch * block.kv_rank * width
    assert spent == [once * (past_tokens + 1)] * config.get("num_hidden_layers")


def small(kind, **overrides):
    usual = {"num_hidden_layers": 2, **MUST_SAY.get(kind, {})}
    config = read_config(kind, LmOptions(overrides=usual))
    return LmConfig(kind, {**config.values, **overrides})


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("mixtral", {"rope_parameters": {"rope_type": "proportional"}}, "only rope_type default"),
        ("mixtral", {"rope_parameters": {"partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ("mixtral", {"num_experts_per_tok": 9}, "whole numbers from 1 to 8"),
        ("mixtral", {"num_key_value_heads": 5}, "divisors of the 32 query heads"),
        ("mixtral", {"hidden_act": "tanh"}, "hidden_act='tanh'"),
        ("mixtral", {"output_router_logits": True}, "output_router_logits=True"),
        ("mixtral", {"sliding_window": 1}, "sliding_window=1"),
        ("mixtral", {"head_dim": 0}, "head_dim=0, only whole numbers of at least 1"),
        ("mixtral", {"num_attention_heads": 0}, "num_attention_heads=0"),
        ("deepseek_v3", {"num_attention_heads": 0, "num_key_value_heads": 0}, "heads=0"),
        ("mixtral", {"head_dim": 7}, "head_dim=7, only even numbers"),
        ("deepseek_v3", {"qk_rope_head_dim": 7}, "qk_rope_head_dim=7, only even numbers"),
        ("deepseek_v3", {"head_dim": 8}, "head_dim=8, only 64"),
        ("deepseek_v3", {"topk_group": 9}, "topk_group=9, only whole numbers from 1 to 8"),
        ("olmoe", {"sliding_window": 8}, "sliding_window=8"),
        ("granitemoe", {"layer_types": ["full_attention", "chunked"]}, "2 values, each full_att"),
        ("phimoe", {"num_experts_per_tok": 1}, "num_experts_per_tok=1, only 2"),
        ("qwen3_moe", {"decoder_sparse_step": 0}, "decoder_sparse_step=0"),
        ("hunyuan_v1_moe", {"head_dim": None}, "head_dim=None"),
        ("hunyuan_v1_moe", {"moe_topk": [1]}, "lists of 2 of them"),
        ("glm4_moe_lite", {"mlp_layer_types": ["dense"]}, "2 values, each dense or sparse"),
        ("deepseek_v2", {"num_experts_per_tok": None}, "num_experts_per_tok=None"),
        ("deepseek_v2", {"topk_method": "noaux_tc"}, "'greedy' or 'group_limited_greedy'"),
        ("deepseek_v3", {"num_key_value_heads": 1}, "num_key_value_heads=1, only 128"),
        (
            "deepseek_v3",
            {"first_k_dense_replace": 0, "n_shared_experts": None},
            "n_shared_experts=None",
        ),
    ],
)
def test_what_is_not_covered_is_said_in_one_sentence(kind, change, problem):
    with pytest.raises(NotCoveredError, match=f"^the closed forms of '{kind}' do not") as told:
        FAMILIES[kind](small(kind, **change))
    assert problem in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["qwen2_moe", "qwen3_moe"])
def test_qwen_without_experts_is_dense(kind):
    with_experts, without = FAMILIES[kind](small(kind)), FAMILIES[kind](small(kind, num_experts=0))
    assert {type(g.feed_forward).__name__ for g in with_experts.groups} == {"Moe"}
    assert {type(g.feed_forward).__name__ for g in without.groups} == {"GatedMlp"}
    assert attrs.evolve(with_experts, groups=without.groups) == without
