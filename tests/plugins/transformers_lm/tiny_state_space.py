"""Small configs of the types in families/state_space.py: the fields of each."""

_MAMBA = {"expand": 2, "state_size": 6, "time_step_rank": 3, "conv_kernel": 3}
_BAMBA = {
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_d_state": 6,
    "mamba_n_groups": 2,
    "mamba_d_conv": 3,
    "mamba_chunk_size": 4,
}
_ZAMBA = {
    "num_hidden_layers": 3,
    "layer_types": ["hybrid", "linear_attention", "hybrid"],
    "head_dim": 16,
    "mamba_expand": 2,
    "mamba_d_state": 6,
    "mamba_d_conv": 3,
    "sliding_window": None,
}
_BOTH = {"layer_types": ["linear_attention", "full_attention"], "sliding_window": None}

OWN = {
    "bamba": {**_BAMBA, "attn_layer_indices": [1], "layer_types": None},
    "falcon_h1": {**_BAMBA, "mamba_d_ssm": 64, "layer_types": None},
    "falcon_mamba": _MAMBA,
    "granitemoehybrid": {**_BAMBA, **_BOTH},
    "jamba": {
        "mamba_d_state": 6,
        "mamba_dt_rank": 3,
        "mamba_d_conv": 3,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
    },
    "mamba": _MAMBA,
    "mamba2": {
        "num_heads": 8,
        "head_dim": 8,
        "expand": 2,
        "state_size": 6,
        "n_groups": 2,
        "conv_kernel": 3,
        "chunk_size": 4,
        "layer_types": None,
    },
    "nemotron_h": {
        "mamba_num_heads": 8,
        "mamba_head_dim": 8,
        "ssm_state_size": 6,
        "n_groups": 2,
        "conv_kernel": 3,
        "chunk_size": 4,
        "layer_types": ["linear_attention", "full_attention", "mlp", "moe"],
        "sliding_window": None,
        "moe_shared_expert_intermediate_size": 10,
        "moe_latent_size": 12,
    },
    "zamba": {
        **_ZAMBA,
        "n_mamba_heads": 2,
        "mamba_dt_rank": 3,
        "attention_hidden_size": 64,
    },
    "zamba2": {
        **_ZAMBA,
        "n_mamba_heads": 8,
        "mamba_ngroups": 2,
        "chunk_size": 4,
        "num_mem_blocks": 1,
        "use_shared_attention_adapter": True,
        "adapter_rank": 3,
        "use_mem_rope": True,
        "tie_word_embeddings": True,
        "num_key_value_heads": 4,
    },
}
