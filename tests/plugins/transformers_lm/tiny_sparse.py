"""Small configs of the types in families/sparse.py: the fields of each."""

INDEXED = {
    "layer_types": ["indexed_attention", "indexed_attention"],
    "num_key_value_heads": 4,
    "index_topk": 4,
    "index_head_dim": 6,
    "index_n_heads": 3,
}

OWN = {
    "deepseek_v32": INDEXED,
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
