"""Small configs of types with recurrent states, or with an index of their tokens."""

from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.vendor_model import RealModel

_WIDE = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2}
_HEADS = {**_WIDE, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2}
_MAMBA2 = {"state_size": 8, "head_dim": 8, "num_heads": 8, "n_groups": 2, "chunk_size": 16}
_LATENT = {
    "num_key_value_heads": 4,
    "q_lora_rank": 20,
    "kv_lora_rank": 12,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 8,
    "v_head_dim": 14,
    "index_head_dim": 16,
    "index_n_heads": 2,
    "index_topk": 4,
    "n_routed_experts": 4,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
    "moe_intermediate_size": 24,
}

RECURRENT = {
    "mamba": {**_WIDE, "state_size": 4},
    "falcon_mamba": {**_WIDE, "state_size": 4},
    "mamba2": {**_WIDE, **_MAMBA2},
    "rwkv": {**_WIDE, "attention_hidden_size": 32},
    "xlstm": {**_WIDE, "hidden_size": 128, "embedding_dim": 128, "num_blocks": 2, "num_heads": 2},
    "jamba": {
        **_HEADS,
        **_EXPERTS,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
    },
    "qwen3_next": {
        **_HEADS,
        **_EXPERTS,
        "layer_types": ["linear_attention", "full_attention"],
        "head_dim": 16,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 24,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    },
    "lfm2": {**_HEADS, "layer_types": ["conv", "full_attention"]},
    "minimax": {
        **_HEADS,
        "num_local_experts": 4,
        "layer_types": ["linear_attention", "full_attention"],
    },
    "recurrent_gemma": {
        **_HEADS,
        "num_hidden_layers": 3,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "lru_width": 32,
        "attention_window_size": 5,
    },
    "zamba": {
        **_HEADS,
        "num_key_value_heads": 4,
        "attention_head_dim": 16,
        "attention_hidden_size": 64,
        "n_mamba_heads": 2,
        "mamba_d_state": 4,
        "mamba_dt_rank": 4,
        "num_hidden_layers": 4,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
    },
    "deepseek_v32": {**_HEADS, **_LATENT},
}
"""Overrides of the config class's defaults, by model type."""


def recurrent_config(model_type, **overrides):
    return read_config(model_type, LmOptions(overrides={**RECURRENT[model_type], **overrides}))


def recurrent_model(model_type):
    return RealModel(recurrent_config(model_type))
