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
VARIANTS = {
    "deepseek_v32": indexed,
    "glm_moe_dsa": indexed | {
        "indexer_types": each("full", "shared").map(lambda kinds: ["full", *kinds[1:]])
    },
    "hy_v3": biases | {
        "head_dim": choice(4, 6), "mlp_layer_types": each("dense", "sparse"), "mlp_bias": flag,
        "num_experts": ints(2, 5), "num_experts_per_tok": ints(1, 2),
        "moe_intermediate_size": ints(3, 7), "num_shared_experts": ints(1, 2),
    },
    "llama4_text": biases | {
        "layer_types": each("chunked_attention", "full_attention"),
        "attention_chunk_size": ints(2, 7), "no_rope_layers": each(0, 1), "head_dim": choice(2, 6),
        "moe_layers": choice([], [0, 2], [1]), "num_local_experts": ints(2, 5),
        "num_experts_per_tok": ints(1, 2), "intermediate_size_mlp": ints(3, 9),
        "use_qk_norm": flag, "attn_temperature_tuning": flag,
    },
    "mimo_v2_flash": slides | grouped | biases | {
        "head_dim": choice(8, 12), "v_head_dim": ints(3, 9)
    },
}  # fmt: skip
"""What the form of each type depends on, beside the usual dimensions."""

LATENT = {"deepseek_v32", "glm_moe_dsa"}
"""Types with as many key heads as query heads."""

TWICE = {"mimo_v2_flash"}
"""Types whose sliding layers have twice the key heads."""

PUBLISHED = {
    # Of the class's defaults, which are the published config's: some layers of each kind.
    "deepseek_v32": ({"num_hidden_layers": 4}, 2100),  # deepseek-ai/DeepSeek-V3.2-Exp
    "glm_moe_dsa": ({"num_hidden_layers": 5}, 300),  # zai-org/GLM-5
    "hy_v3": ({"num_hidden_layers": 2}, 300),  # tencent/Hy3-preview
    "llama4_text": ({"num_hidden_layers": 4}, 8300),  # meta-llama/Llama-4-Scout-17B-16E
    "mimo_v2_flash": ({"num_hidden_layers": 6}, 300),  # XiaomiMiMo/MiMo-V2-Flash
}
"""Fields of a published config beside the class's defaults, and a context beyond its windows."""


@st.composite
def configs(draw, kind):
    """Draw a config of a type."""
    kv_heads = draw(ints(1, 2))
    heads = kv_heads * draw(ints(1, 3)) * (2 if kind in TWICE else 1)
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
    return read_config(kind, LmOptions(overrides=overrides))
