"""Random small configs of the types in families/sparse.py, and published ones."""

from hypothesis import strategies as st

from flopbench_transformers_lm.config import LmOptions, read_config

LAYERS = 3
ints, choice, flag = st.integers, lambda *values: st.sampled_from(values), st.booleans()


def each(*kinds):
    """Return lists of one of the words for each layer."""
    return st.lists(choice(*kinds), min_size=LAYERS, max_size=LAYERS)


slides = {"layer_types": each("sliding_attention", "full_attention"), "sliding_window": ints(2, 6)}
biases = {"attention_bias": flag}
grouped = {
    "n_group": ints(1, 2),
    "topk_group": st.just(1),
    "n_routed_experts": choice(4, 8),
    "num_experts_per_tok": ints(1, 2),
    "moe_intermediate_size": ints(3, 7),
    "mlp_layer_types": each("dense", "sparse"),
    "norm_topk_prob": flag,
}
indexed = grouped | biases | {
    "n_shared_experts": ints(1, 2),
    "q_lora_rank": ints(1, 5),
    "kv_lora_rank": ints(1, 9),
    "qk_nope_head_dim": ints(1, 9),
    "qk_rope_head_dim": choice(2, 6),
    "v_head_dim": ints(1, 9),
    "index_n_heads": ints(1, 3),
    "index_head_dim": ints(6, 8),
    "index_topk": ints(1, 8),
}  # fmt: skip
experts = {
    "num_experts": ints(2, 5),
    "num_experts_per_tok": ints(1, 2),
    "moe_intermediate_size": ints(3, 7),
    "mlp_layer_types": each("dense", "sparse"),
}
bases = {"layer_rope_theta": each(0, 10000.0, 500.0).map(lambda found: [*found[1:], 500.0])}
latent = {
    "q_lora_rank": ints(1, 5),
    "kv_lora_rank": ints(1, 9),
    "qk_nope_head_dim": ints(1, 9),
    "qk_rope_head_dim": choice(2, 6),
    "v_head_dim": ints(1, 9),
}
VARIANTS = {
    "afmoe": slides | biases | {
        "num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2), "mup_enabled": flag,
        "moe_intermediate_size": ints(3, 7), "num_dense_layers": ints(0, LAYERS),
        "num_shared_experts": ints(1, 2), "head_dim": choice(4, 6),
    },
    "aria_text": biases | {
        "moe_num_experts": ints(2, 5), "moe_topk": ints(1, 2), "mlp_bias": flag,
        "moe_num_shared_experts": ints(1, 2),
    },
    "axk1": grouped | biases | latent | {"n_shared_experts": ints(1, 2), "rope_interleave": flag},
    "bitnet": biases,
    "cohere2_moe": slides | biases | {
        "num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2), "norm_topk_prob": flag,
        "mlp_layer_types": each("dense", "sparse"), "num_shared_experts": ints(0, 2),
        "expert_selection_fn": choice("softmax", "sigmoid"), "head_dim": choice(4, 6),
        "shared_expert_combination_strategy": choice("average", "sum"),
        "prefix_dense_sliding_window_pattern": ints(1, 2), "rms_norm_eps": choice(None, 1e-5),
        "prefix_dense_intermediate_size": ints(3, 9),
    },
    "deepseek_v32": indexed,
    "exaone_moe": slides | experts | {
        "num_shared_experts": ints(1, 2), "norm_topk_prob": flag,
    },
    "gemma3n_text": biases | {
        "sliding_window": ints(2, 6), "head_dim": choice(4, 6), "laurel_rank": ints(1, 5),
        "layer_types": st.just(["sliding_attention", "full_attention", "full_attention"]),
        "num_kv_shared_layers": ints(0, 1), "hidden_size_per_layer_input": ints(1, 6),
        "vocab_size_per_layer_input": ints(3, 9), "altup_num_inputs": ints(2, 4),
        "activation_sparsity_pattern": each(0.0, 0.9), "altup_correct_scale": flag,
        "intermediate_size": each(5, 8), "altup_active_idx": ints(0, 1),
    },
    "gemma4_text": biases | {
        "sliding_window": ints(2, 6),
        "layer_types": st.just(["sliding_attention", "full_attention", "full_attention"]),
        "num_kv_shared_layers": ints(0, 1), "use_double_wide_mlp": flag, "head_dim": choice(4, 6),
        "per_layer_config": choice(
            {}, {0: {"head_dim": 8}}, {n: {"head_dim": 8, "num_key_value_heads": 1} for n in (1, 2)}
        ),
        "attention_k_eq_v": flag, "hidden_size_per_layer_input": ints(1, 6),
        "vocab_size_per_layer_input": ints(3, 9), "enable_moe_block": flag,
        "num_experts": ints(2, 5), "top_k_experts": ints(1, 2), "moe_intermediate_size": ints(3, 7),
        "final_logit_softcapping": choice(None, 30.0),
    },
    "glm_moe_dsa": indexed | {
        "indexer_types": each("full", "shared").map(lambda kinds: ["full", *kinds[1:]])
    },
    "granite_swa": slides | bases | biases | {"mlp_bias": flag},
    "granitemoe_swa": slides | bases | biases | {
        "num_local_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2),
        "shared_intermediate_size": choice(0, 3),
    },
    "hy_v3": biases | {
        "head_dim": choice(4, 6), "mlp_layer_types": each("dense", "sparse"), "mlp_bias": flag,
        "num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2),
        "moe_intermediate_size": ints(3, 7), "num_shared_experts": ints(1, 2),
    },
    "hyperclovax": biases | {"mlp_bias": flag, "use_post_norm": flag},
    "internlm3": {"attention_bias": st.just(value=True), "mlp_bias": st.just(value=True)},
    "iquestcoder": biases | {"mlp_bias": flag, "head_dim": choice(4, 6)},
    "jais2": biases | {"mlp_bias": flag, "head_dim": choice(4, 6)},
    "laguna": slides | experts | biases | {
        "shared_expert_intermediate_size": ints(3, 7), "head_dim": choice(8, 12),
        "num_attention_heads_per_layer": each(2, 4, 6), "gating": choice("per-head", "per-element"),
        "moe_router_logit_softcapping": choice(0.0, 30.0),
    },
    "llama4_text": biases | {
        "layer_types": each("chunked_attention", "full_attention"),
        "attention_chunk_size": ints(2, 7), "no_rope_layers": each(0, 1), "head_dim": choice(2, 6),
        "moe_layers": choice([], [0, 2], [1]), "num_local_experts": ints(2, 5),
        "num_experts_per_tok": ints(1, 2), "intermediate_size_mlp": ints(3, 9),
        "use_qk_norm": flag, "attn_temperature_tuning": flag,
    },
    "mellum": slides | experts | biases | {"norm_topk_prob": flag, "head_dim": choice(4, 6)},
    "minicpm3": latent | biases | {"mlp_bias": flag, "q_lora_rank": choice(None, 4)},
    "mimo_v2_flash": slides | grouped | biases | {
        "head_dim": choice(8, 12), "v_head_dim": ints(3, 9)
    },
}  # fmt: skip
"""What the form of each type depends on, beside the usual dimensions."""

LATENT = {"axk1", "deepseek_v32", "glm_moe_dsa", "minicpm3"}
"""Types with as many key heads as query heads."""

TWICE = {"mimo_v2_flash"}
"""Types whose sliding layers have twice the key heads."""

PUBLISHED = {
    # Of the class's defaults, which are the checkpoint's that is named: some layers of each kind.
    "afmoe": ({"num_hidden_layers": 4}, 1100),  # arcee-ai/Trinity-Mini, but for its experts
    "aria_text": ({"num_hidden_layers": 1}, 300),  # rhymes-ai/Aria
    "axk1": ({"num_hidden_layers": 2}, 300),  # skt/A.X-K1
    "bitnet": ({"num_hidden_layers": 1}, 300),  # microsoft/bitnet-b1.58-2B-4T
    "cohere2_moe": ({"num_hidden_layers": 4}, 4200),  # CohereLabs
    "deepseek_v32": ({"num_hidden_layers": 4}, 2100),  # deepseek-ai/DeepSeek-V3.2-Exp
    "exaone_moe": ({"num_hidden_layers": 4}, 4200),  # LGAI-EXAONE/K-EXAONE-236B-A23B
    # google/gemma-3n-E4B: 20 layers with keys of their own, and 15 that share some.
    "gemma3n_text": ({"num_hidden_layers": 10, "num_kv_shared_layers": 5}, 600),
    # google/gemma-4-E2B-it has 15 layers with keys of their own, and 20 that share some.
    "gemma4_text": (
        {
            "num_hidden_layers": 10,
            "num_kv_shared_layers": 5,
            "hidden_size": 1536,
            "intermediate_size": 6144,
            "num_key_value_heads": 1,
            "layer_types": [*["sliding_attention"] * 4, "full_attention"] * 2,
            "use_double_wide_mlp": True,
            "final_logit_softcapping": 30.0,
        },
        600,
    ),
    "glm_moe_dsa": ({"num_hidden_layers": 5}, 300),  # zai-org/GLM-5
    "granite_swa": ({"num_hidden_layers": 4}, 300),  # ibm-granite
    "granitemoe_swa": ({"num_hidden_layers": 4}, 300),  # ibm-granite
    "hy_v3": ({"num_hidden_layers": 2}, 300),  # tencent/Hy3-preview
    "hyperclovax": ({"num_hidden_layers": 1}, 300),  # naver-hyperclovax/HyperCLOVAX-SEED-Think-14B
    "internlm3": ({"num_hidden_layers": 1}, 300),  # internlm/internlm3-8b-instruct
    "iquestcoder": ({"num_hidden_layers": 1}, 300),  # IQuestLab/IQuest-Coder-V1-40B
    "jais2": ({"num_hidden_layers": 1}, 300),  # inceptionai/Jais-2-8B
    "laguna": ({"num_hidden_layers": 2}, 600),  # poolside/Laguna-XS.2
    "llama4_text": ({"num_hidden_layers": 4}, 8300),  # meta-llama/Llama-4-Scout-17B-16E
    "mellum": ({"num_hidden_layers": 2}, 1100),  # JetBrains
    "minicpm3": ({"num_hidden_layers": 1}, 300),  # openbmb/MiniCPM3-4B
    "mimo_v2_flash": ({"num_hidden_layers": 6}, 300),  # XiaomiMiMo/MiMo-V2-Flash
}
"""Fields of a published config beside the class's defaults, and a context beyond its windows."""


@st.composite
def configs(draw, kind):
    """Draw a config of a type."""
    kv_heads = draw(ints(1, 2))
    heads = kv_heads * draw(ints(1, 3)) * (2 if kind in TWICE else 1)
    width = heads * draw(choice(4, 6))
    values = {field: draw(strategy) for field, strategy in VARIANTS[kind].items()}
    if "num_attention_heads_per_layer" in values:
        kv_heads = 2
        heads = 2
    if kind in LATENT:
        values["head_dim"] = values["qk_rope_head_dim"]
    overrides = {
        "vocab_size": draw(ints(3, 9)),
        "hidden_size": width,
        "intermediate_size": draw(ints(3, 9)),
        "num_hidden_layers": LAYERS,
        "num_attention_heads": heads,
        "num_key_value_heads": heads if kind in LATENT else kv_heads,
        "tie_word_embeddings": draw(flag),
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    } | values
    return read_config(kind, LmOptions(overrides=overrides))
