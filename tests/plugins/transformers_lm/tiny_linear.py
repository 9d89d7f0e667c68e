"""Small configs of the types in families/linear.py: the fields of each."""

_LFM2 = {
    "layer_types": ["conv", "full_attention"],
    "conv_L_cache": 3,
    "block_multiple_of": 4,
    "num_dense_layers": 1,
}

_DELTA = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 6,
    "linear_value_head_dim": 5,
    "linear_conv_kernel_dim": 3,
}
_QWEN = {**_DELTA, "rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}
_QWEN3_5 = {
    **_DELTA,
    "rope_parameters": {
        "rope_theta": 1e4,
        "rope_type": "default",
        "partial_rotary_factor": 0.5,
        "mrope_section": [2, 0, 0],
    },
}

OWN = {
    "lfm2": _LFM2,
    "lfm2_moe": _LFM2,
    "kimi_linear": {
        "layer_types": ["linear_attention", "full_attention"],
        "num_key_value_heads": 4,
        "num_experts": 6,
        "num_local_experts": 6,
        "linear_num_heads": 3,
        "linear_head_dim": 6,
        "linear_conv_kernel_dim": 3,
    },
    "minimax": {
        "layer_types": ["linear_attention", "full_attention"],
        "sliding_window": 5,
        "block_size": 4,
    },
    "olmo_hybrid": _DELTA,
    "qwen3_5_moe_text": _QWEN3_5,
    "qwen3_5_text": _QWEN3_5,
    "qwen3_next": _QWEN,
    "recurrent_gemma": {
        "block_types": ["recurrent", "attention"],
        "attention_window_size": 5,
        "lru_width": 32,
        "conv1d_width": 3,
    },
    "rwkv": {"attention_hidden_size": 32, "rescale_every": 2},
}
