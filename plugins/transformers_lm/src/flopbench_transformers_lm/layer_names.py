"""What transformers calls a linear layer, by the model's type, the component and the role."""

from __future__ import annotations

from collections.abc import Mapping

_GPT2 = frozenset({"gpt2", "gpt_bigcode"})
_NEOX = frozenset({"bloom", "falcon", "gpt_neox", "persimmon"})
_FC = frozenset({"biogpt", "nanochat", "opt", "phi"})
_FC_IN = frozenset({"codegen", "gptj"})
_GRANITE = frozenset({"granitemoe_swa", "granitemoehybrid", "granitemoeshared"})
_LFM2 = frozenset({"lfm2", "lfm2_moe"})

_IN = ("qkvz", "ba", "qkv", "z", "b", "a")
"""What Qwen's products at the start of linear attention make."""

_OF_TYPES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "decoder/attention/qkv.q_k_v": {
        "c_attn": _GPT2,
        "query_key_value": _NEOX,
        "Wqkv": frozenset({"mpt"}),
    },
    "decoder/attention/out.o": {
        "c_proj": _GPT2,
        "dense": _NEOX | {"phi"},
        "out_proj": frozenset(
            {"biogpt", "codegen", "gpt_neo", "gptj", "lfm2", "lfm2_moe", "mpt", "opt"}
        ),
    },
    "decoder/mlp.up": {
        "c_fc": _GPT2 | {"gpt_neo", "starcoder2"},
        "dense_h_to_4h": _NEOX,
        "fc1": _FC,
        "fc_in": _FC_IN,
        "w3": _LFM2,
    },
    "decoder/mlp.gate": {"w1": _LFM2},
    "decoder/mlp.down": {
        "c_proj": _GPT2 | {"gpt_neo", "starcoder2"},
        "dense_4h_to_h": _NEOX,
        "fc2": _FC,
        "fc_out": _FC_IN,
        "w2": _LFM2,
    },
    "decoder/attention/gate.gate": {"g_proj": frozenset({"laguna"})},
    "decoder/moe/shared.gate_up": {"input_linear": _GRANITE},
    "decoder/moe/shared.down": {"output_linear": _GRANITE},
    **{
        f"{component}.{role}": {role: frozenset({"rwkv"})}
        for component in ("decoder/recurrence/in", "decoder/mlp")
        for role in ("key", "value", "receptance")
    },
    "decoder/recurrence/out.output": {"output": frozenset({"rwkv"})},
    "decoder/recurrence/out.out": {"linear_out": frozenset({"recurrent_gemma"})},
    "lm_head.head": {
        "head": frozenset({"rwkv"}),
        "output_projection": frozenset({"biogpt"}),
    },
}
"""Names that only some types use."""

_USUAL: Mapping[str, str] = {
    "decoder/attention/qkv.q_k_v": "qkv_proj",
    "decoder/attention/qkv.kv_a": "kv_a_proj_with_mqa",
    "decoder/linear.linear": "linear",
    "decoder/moe/latent.latent_in": "fc1_latent_proj",
    "decoder/moe/latent.latent_out": "fc2_latent_proj",
    **{
        f"{component}.{role}": role
        for component, roles in (
            ("decoder/altup", ("modality_router", "prediction_coefs", "correction_coefs")),
            ("decoder/laurel", ("linear_left", "linear_right")),
            ("decoder/attention/indexer", ("wq_b", "wk", "weights_proj")),
            ("decoder/per_layer", ("per_layer_input_gate", "per_layer_projection")),
        )
        for role in roles
    },
    "decoder/embed.per_layer_model": "per_layer_model_projection",
    "decoder/moe/shared.shared_gate": "shared_expert_gate",
    **{f"decoder/recurrence/in.in_{of}": f"in_proj_{of}" for of in _IN},
    **{f"decoder/recurrence/in.{of}": f"linear_{of}" for of in "xy"},
    "decoder/recurrence/in.q_k_v": "qkv_proj",
    "decoder/recurrence/in.gate": "output_gate",
    "lm_head.head": "lm_head",
}
"""Names that are not the role and ``_proj``."""


def layer_name(model_type: str, component: str, role: str) -> str:
    """Return the own name of a layer's module."""
    key = f"{component}.{role}"
    names = _OF_TYPES.get(key, {})
    own = (name for name, types in names.items() if model_type in types)
    return next(own, _USUAL.get(key, f"{role}_proj"))
