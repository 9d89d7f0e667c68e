"""The names of modules, in transformers and in checkpoints, by component and role.

A checkpoint may name a module differently, or have several in place of one: layers for each expert
where transformers has one module for all. A file may name either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

HEAD = "lm_head.head"
ROUTER = "decoder/moe/router.router"
EXPERTS = "decoder/moe/experts."

_HEADS = ("lm_head", "language_model.lm_head", "embed_out", "head", "output_projection")

_LAYERS: Mapping[str, str] = {
    **dict.fromkeys(
        ("bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gptj"), "transformer.h"
    ),
    **dict.fromkeys(("falcon_mamba", "mamba", "mamba2"), "backbone.layers"),
    "biogpt": "biogpt.layers",
    "gpt_neox": "gpt_neox.layers",
    "mpt": "transformer.blocks",
    "rwkv": "rwkv.blocks",
    "opt": "model.decoder.layers",
}
"""Where the layers of a type are, unless in ``model.layers``."""

_ATTENTION: Mapping[str, str] = {
    "nemotron_h": "mixer",
    "zamba": "shared_transf.self_attn",
    "zamba2": "shared_transformer.self_attn",
    **dict.fromkeys(("bloom", "falcon"), "self_attention"),
    **dict.fromkeys(("codegen", "gpt2", "gpt_bigcode", "gptj", "mpt"), "attn"),
    "gpt_neo": "attn.attention",
    "gpt_neox": "attention",
    "recurrent_gemma": "temporal_block",
}
"""What contains the projections of attention, unless ``self_attn``."""

_MLP: Mapping[str, str] = {
    **dict.fromkeys(
        ("bamba", "falcon_h1", "jamba", "lfm2", "lfm2_moe", "llama4_text", "rwkv"), "feed_forward"
    ),
    **dict.fromkeys(("biogpt", "opt"), ""),
    "mpt": "ffn",
    "nemotron_h": "mixer",
    "recurrent_gemma": "mlp_block",
    "zamba": "shared_transf.feed_forward",
    "zamba2": "shared_transformer.feed_forward",
}
"""What contains those of an MLP, unless ``mlp``."""

UNGATED = frozenset(
    {
        *("arcee", "biogpt", "bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo"),
        *("gpt_neox", "gptj", "jais2", "mpt", "nanochat", "nemotron", "nemotron_h", "opt"),
        *("persimmon", "phi", "starcoder2"),
    }
)
"""Types whose MLP has no gate."""

_MOE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("granitemoe", "granitemoe_swa", "granitemoehybrid", "granitemoeshared"),
        ("block_sparse_moe",),
    ),
    **dict.fromkeys(("jamba", "lfm2_moe", "llama4_text"), ("feed_forward",)),
    "gemma4_text": ("",),
    "nemotron_h": ("mixer",),
    **dict.fromkeys(("minimax", "minimax_m2", "mixtral", "phimoe"), ("mlp", "block_sparse_moe")),
}
"""What contains router and experts, unless ``mlp``; checkpoints of some types have another name."""

_SHARED: Mapping[str, str] = {
    **dict.fromkeys(("granitemoe_swa", "granitemoehybrid", "granitemoeshared"), "shared_mlp"),
    "hunyuan_v1_moe": "mlp.shared_mlp",
    "llama4_text": "feed_forward.shared_expert",
    "nemotron_h": "mixer.shared_experts",
    **dict.fromkeys(("qwen2_moe", "qwen3_5_moe_text", "qwen3_next"), "mlp.shared_expert"),
}
"""What contains shared experts, unless ``mlp.shared_experts``."""

_MIXERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("falcon_mamba", "mamba", "mamba2", "nemotron_h"), ("mixer",)),
    **dict.fromkeys(("zamba", "zamba2"), ("mamba", "mamba_decoder.mamba")),
    **dict.fromkeys(("kimi_linear", "minimax"), ("self_attn",)),
    **dict.fromkeys(("lfm2", "lfm2_moe"), ("conv",)),
    "recurrent_gemma": ("temporal_block",),
    "rwkv": ("attention",),
}
"""What contains the projections of a recurrence, unless ``mamba`` or ``linear_attn``."""

_PLACED: Mapping[str, str] = {
    "decoder/altup": "altup",
    "decoder/attention/indexer": "self_attn.indexer",
    "decoder/laurel": "laurel",
    "decoder/linear": "",
    "decoder/per_layer": "",
}
"""What contains parts that few types have, by component."""

_GATED: Mapping[str, tuple[str, ...]] = {
    "gate": ("gate_proj", "w1"),
    "up": ("up_proj", "w3"),
    "gate_up": ("gate_up_proj", "input_linear"),
    "down": ("down_proj", "output_linear", "w2"),
}
_PLAIN: Mapping[str, tuple[str, ...]] = {
    "up": ("up_proj", "fc1", "c_fc", "fc_in", "dense_h_to_4h"),
    "down": ("down_proj", "fc2", "c_proj", "fc_out", "dense_4h_to_h"),
}
_OWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "decoder/attention/qkv": {
        **{role: (f"{role}_proj",) for role in "qkv"},
        "q_k_v": ("qkv_proj", "query_key_value", "c_attn", "Wqkv"),
        "q_a": ("q_a_proj",),
        "q_b": ("q_b_proj",),
        "kv_a": ("kv_a_proj_with_mqa",),
        "kv_b": ("kv_b_proj",),
    },
    "decoder/altup": {
        role: (role,) for role in ("modality_router", "prediction_coefs", "correction_coefs")
    },
    "decoder/laurel": {role: (role,) for role in ("linear_left", "linear_right")},
    "decoder/attention/gate": {"gate": ("gate_proj", "g_proj")},
    "decoder/attention/indexer": {role: (role,) for role in ("wq_b", "wk", "weights_proj")},
    "decoder/attention/out": {"o": ("o_proj", "out_proj", "dense", "c_proj")},
    "decoder/linear": {"linear": ("linear",)},
    "decoder/mlp": {
        **_GATED,
        **{role: (role,) for role in ("key", "value", "receptance")},
    },
    "decoder/moe/router": {"router": ("gate", "router", "gate.wg", "router.gate", "router.proj")},
    "decoder/moe/experts": dict.fromkeys(("up", "gate_up", "down"), ("experts",)),
    "decoder/moe/latent": {"latent_in": ("fc1_latent_proj",), "latent_out": ("fc2_latent_proj",)},
    "decoder/per_layer": {
        role: (role,) for role in ("per_layer_input_gate", "per_layer_projection")
    },
    "decoder/moe/shared": {**_GATED, "shared_gate": ("shared_expert_gate",)},
    "decoder/recurrence/in": {
        "in": ("in_proj",),
        **{f"in_{role}": (f"in_proj_{role}",) for role in ("qkvz", "ba", "qkv", "z", "b", "a")},
        **{role: (f"{role}_proj",) for role in (*"qkvabg", "f_a", "f_b", "g_a", "g_b")},
        "f_a": ("f_a_proj", "forget_gate.f_a_proj"),
        "f_b": ("f_b_proj", "forget_gate.f_b_proj"),
        "q_k_v": ("qkv_proj",),
        "gate": ("output_gate",),
        **{role: (f"linear_{role}",) for role in "xy"},
        **{role: (role,) for role in ("key", "value", "receptance")},
    },
    "decoder/recurrence/select": {"x": ("x_proj",)},
    "decoder/recurrence/core": {
        "dt": ("dt_proj",),
        "dt_of_heads": ("dt_proj_weight",),
        "x_of_heads": ("x_proj_weight",),
        "input_of_heads": ("rg_lru.input_gate_weight",),
        "recurrent_of_heads": ("rg_lru.recurrent_gate_weight",),
    },
    "decoder/recurrence/out": {
        "out": ("out_proj", "linear_out"),
        "o": ("o_proj",),
        "output": ("output",),
    },
}
"""By component and role, the own names of modules."""

_ONE_EXPERT: Mapping[str, tuple[str, ...]] = {
    "up": ("up_proj", "w1", "w3"),
    "gate_up": ("gate_proj", "up_proj", "gate_up_proj", "w1", "w3"),
    "down": ("down_proj", "w2"),
}
"""Own names of the layers of an expert in checkpoints; the first expert stands for all."""

_PREFIXES = (("model.", "language_model.model."), ("model.", "model.language_model."))
"""What begins the names in a multimodal model, in place of what does in the language model."""


def names_of(
    key: str, layer: int | None, model_type: str, *, checkpoint: bool = True
) -> tuple[str, ...]:
    """Return the full names that the modules of a component and role go by in a layer.

    Args:
        key: component and role, such as ``decoder/attention/qkv.q``.
        layer: its number; None for what is outside of layers.
        checkpoint: whether to include the layers of each expert, which only checkpoints have.
    """
    if key == HEAD:
        return _HEADS
    component, _, role = key.rpartition(".")
    plain = component == "decoder/mlp" and model_type in UNGATED
    own = _PLAIN[role] if plain else _OWN[component][role]
    if checkpoint and key.startswith(EXPERTS):
        own = (*own, *(f"experts.0.{name}" for name in _ONE_EXPERT[role]))
    layers = f"{_LAYERS.get(model_type, 'model.layers')}.{layer}"
    paths = product(_containers(component, role, model_type), own)
    names = (".".join(filter(None, (layers, *path))) for path in paths)
    return tuple(full for name in names for full in _with_prefixes(name))


def _containers(component: str, role: str, model_type: str) -> tuple[str, ...]:
    if component in _PLACED:
        return (_PLACED[component],)
    if component.startswith("decoder/attention/"):
        return (_ATTENTION.get(model_type, "self_attn"),)
    if component.startswith("decoder/recurrence/"):
        return _MIXERS.get(model_type, ("mamba", "linear_attn"))
    if component == "decoder/mlp":
        return (_MLP.get(model_type, "mlp"),)
    if component == "decoder/moe/shared" and role != "shared_gate":
        return (_SHARED.get(model_type, "mlp.shared_experts"),)
    return _MOE.get(model_type, ("mlp",))


def _with_prefixes(name: str) -> Iterator[str]:
    yield name
    for old, new in _PREFIXES:
        if name.startswith(old):
            yield new + name.removeprefix(old)


def roles_of(component: str, path: str) -> tuple[str, ...]:
    """Return the roles that a module, by its path, may have in its component."""
    if component == "lm_head":
        return ("head",)
    own = _OWN.get(component, {})
    tables = (own, _PLAIN) if component == "decoder/mlp" else (own,)
    found = (
        role
        for table in tables
        for role, names in table.items()
        if path.endswith(tuple(f".{name}" for name in names))
    )
    return tuple(dict.fromkeys(found))
