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
}
