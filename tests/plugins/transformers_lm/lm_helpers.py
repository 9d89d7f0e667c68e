"""Small configs of causal language models, and their vendor models."""

from flopbench.builtin.torch_counter import TorchCounter
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.vendor_model import RealModel

_SMALL = {
    "vocab_size": 128,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": None,
}
_GROUPED = {**_SMALL, "intermediate_size": 96, "num_key_value_heads": 2, "head_dim": 24}
_SLIDING = {"sliding_window": 5, "layer_types": ["sliding_attention", "full_attention"]}

SMALL = {
    "llama": _GROUPED,
    "gpt2": _SMALL,
    "gemma2": {**_GROUPED, **_SLIDING},
    "mixtral": {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
    "gpt_oss": {**_GROUPED, **_SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2},
    "deepseek_v3": {
        **_SMALL,
        "num_key_value_heads": 4,
        "intermediate_size": 96,
        "moe_intermediate_size": 40,
        "first_k_dense_replace": 1,
        "n_routed_experts": 8,
        "n_shared_experts": 1,
        "n_group": 2,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "q_lora_rank": 20,
        "kv_lora_rank": 12,
        "qk_nope_head_dim": 10,
        "qk_rope_head_dim": 8,
        "v_head_dim": 14,
    },
}
"""Overrides of the config class's defaults, by model type."""


def small_config(model_type, **overrides):
    return read_config(model_type, LmOptions(overrides={**SMALL[model_type], **overrides}))


def small_model(model_type):
    return RealModel(small_config(model_type))


def flops_by(names, count):
    """Sum a count's FLOPs by what ``names`` calls each module."""
    totals = {}
    for entry in count.counted:
        totals[names(entry.module)] = totals.get(names(entry.module), 0) + entry.flops
    return totals


def vendor_angles(module):
    """Return how many elements each kind of rotary angles rotates, by the vendor's frequencies."""
    found = {name: b for name, b in module.named_buffers() if name.endswith("inv_freq")}
    others = ("original", "visual")  # copies, and those of a vision tower
    return {2 * b.numel() for name, b in found.items() if not any(o in name for o in others)}


def priced_angles(model):
    """Return the same by the closed forms."""
    return {angles.dim for angles in model._decoder.angles}


COUNTER = TorchCounter()
