"""Small configs of the types in families/sparse.py: the fields of each."""

INDEXED = {
    "layer_types": ["indexed_attention", "indexed_attention"],
    "num_key_value_heads": 4,
    "index_topk": 4,
    "index_head_dim": 6,
    "index_n_heads": 3,
}

PLAIN = {"layer_types": None, "sliding_window": None, "use_sliding_window": None}

OWN = {
    "afmoe": {"num_dense_layers": 1, "num_shared_experts": 2},
    "aria_text": PLAIN,
    "axk1": PLAIN | {"num_key_value_heads": 4, "head_dim": 4},
    "bitnet": PLAIN,
    "cohere2_moe": {"num_shared_experts": 2, "prefix_dense_intermediate_size": 10},
    "exaone_moe": {"num_shared_experts": 2, "n_group": 1},
    "granite_swa": {"layer_rope_theta": [10000.0, 0]},
    "granitemoe_swa": {"layer_rope_theta": [10000.0, 0]},
    "laguna": {"num_attention_heads_per_layer": [4, 2], "gating": True},
    "mellum": {"num_local_experts": 5},
    "minicpm3": PLAIN | {"num_key_value_heads": 4, "head_dim": 4},
    "deepseek_v32": INDEXED,
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "vocab_size_per_layer_input": 23,
        "hidden_size_per_layer_input": 6,
        "altup_num_inputs": 3,
        "laurel_rank": 5,
        "intermediate_size": [22, 20, 18, 22],
        "activation_sparsity_pattern": [0.9, 0.0, 0.0, 0.0],
    },
    "gemma4_text": {
        "num_hidden_layers": 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "per_layer_config": {1: {"head_dim": 12}, 3: {"head_dim": 12}},
        "vocab_size_per_layer_input": 23,
        "hidden_size_per_layer_input": 6,
        "use_double_wide_mlp": True,
    },
    "glm_moe_dsa": INDEXED | {"indexer_types": ["full", "shared"]},
    "hy_v3": {"num_shared_experts": 2},
    "llama4_text": {
        "layer_types": ["chunked_attention", "full_attention"],
        "attention_chunk_size": 5,
        "moe_layers": [1],
        "num_key_value_heads": 2,
        "intermediate_size_mlp": 10,
        "no_rope_layers": [1, 0],
    },
    "mimo_v2_flash": {"head_dim": 12, "v_head_dim": 6, "num_key_value_heads": 1},
}
