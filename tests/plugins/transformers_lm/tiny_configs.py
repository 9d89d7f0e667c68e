"""One small config of each model type with closed forms, of as many of its parts as it may have."""

from functools import cache

import attrs
import pytest

from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from plugins.transformers_lm import tiny_linear, tiny_sparse, tiny_state_space
from plugins.transformers_lm.family_strategies import FLAGS, field_names

OWN = {**tiny_linear.OWN, **tiny_sparse.OWN, **tiny_state_space.OWN}
"""Fields of types that have others than the usual ones."""

FIELDS = {
    "vocab_size": 37,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_kv_heads": 4,
    "head_dim": 8,
    "intermediate_size": 22,
    "ffn_dim": 22,
    "ffn_hidden_size": 22,
    "word_embed_proj_dim": 32,
    "rotary_dim": 4,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": None,
    # windows
    "layer_types": ["sliding_attention", "full_attention"],
    "sliding_window": 5,
    "use_sliding_window": True,
    "window_size": 5,
    "attention_types": [[["global", "local"], 1]],
    "no_rope_layers": [1, 0],
    # experts
    "num_local_experts": 5,
    "num_experts": 5,
    "n_routed_experts": 6,
    "moe_num_experts": 5,
    "num_experts_per_tok": 2,
    "moe_k": 2,
    "moe_topk": 2,
    "n_group": 2,
    "topk_group": 1,
    "moe_intermediate_size": 6,
    "n_shared_experts": 2,
    "moe_num_shared_experts": 2,
    "shared_intermediate_size": 6,
    "shared_expert_intermediate_size": 6,
    "first_k_dense_replace": 1,
    "moe_layer_start_index": 1,
    "moe_layer_end_index": 1,
    "moe_layer_interval": 1,
    "mlp_layer_types": ["dense", "sparse"],
    # latent attention
    "q_lora_rank": 10,
    "kv_lora_rank": 12,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 10,
}
"""Fields by their usual names; a type is given those that it has."""

WINDOWS = ("layer_types", "sliding_window", "use_sliding_window")
NO_WINDOW = {
    *("deepseek_v2", "deepseek_v3", "ernie4_5_moe", "flex_olmo", "glm4_moe", "glm4_moe_lite"),
    *("granitemoe", "granitemoeshared", "hunyuan_v1_moe", "minimax_m2", "olmoe", "qwen3_moe"),
    *("solar_open", "youtu"),
}
"""Types whose closed forms have no windows, or of only some of the kinds of layers."""

ALWAYS_WINDOW = {"ministral3", "mistral", "mixtral", "phi3", "phimoe", "starcoder2"}
"""Types that slide in all layers if they have a window, listed or not."""

LATENT = {"deepseek_v2", "deepseek_v3", "glm4_moe_lite", "youtu"}
"""Types with as many key heads as query heads, whose width follows from other fields."""


def runnable(model_type):
    """Return a config that transformers runs on any number of new tokens on a cache.

    MiniMax's mask is as long as the keys of its first layer, which must be of attention for that.
    """
    config = tiny(model_type)
    if model_type != "minimax":
        return config
    turned = config.values["layer_types"][::-1]
    return attrs.evolve(config, values={**config.values, "layer_types": turned})


def tiny(model_type, *, flipped=False, times=1):
    """Return the config; ``flipped`` turns over its flags, such as those of biases.

    Flags that a type's own fields give stay as they are. The layers are repeated some ``times``.
    """
    known, aliases = field_names(model_type)
    wanted = dict(FIELDS)
    if model_type in NO_WINDOW:
        wanted = {field: value for field, value in wanted.items() if field not in WINDOWS}
    if model_type in LATENT:
        del wanted["head_dim"]
        wanted["num_key_value_heads"] = wanted["num_attention_heads"]
    wanted = _repeated(wanted | OWN.get(model_type, {}), times)
    named = {aliases.get(field, field): value for field, value in wanted.items()}
    overrides = {field: value for field, value in named.items() if field in known}
    config = read_config(model_type, LmOptions(overrides=overrides))
    if not flipped:
        return config
    flags = (flag for flag in FLAGS if flag not in OWN.get(model_type, {}))
    turned = {flag: not value for flag in flags if type(value := config.get(flag)) is bool}
    return read_config(model_type, LmOptions(overrides=overrides | turned))


def _repeated(fields, times):
    """Return the fields of a config whose layers are repeated."""
    layers = fields["num_hidden_layers"]
    lists = {
        name: value * times
        for name, value in fields.items()
        if isinstance(value, list) and (len(value) == layers or name == "layer_types")
    }
    numbers = {name: fields[name] * times for name in ("num_hidden_layers", "num_layers")}
    kinds = [[kind, often * times] for kind, often in fields["attention_types"]]
    return {**fields, **lists, **numbers, "attention_types": kinds}


def few(kinds, fast):
    """Return types as parameters of a test; all but a few of them are slow."""
    return [kind if kind in fast else pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]


@cache
def one_per_family():
    """Return the first type of each family: a module of families, and the blocks of the layers.

    What holds for a block holds for every type that is made of it: tests of such laws run these
    types, and some of a test's own.
    """
    first = {}
    for kind, family in FAMILIES.items():
        first.setdefault((family.__module__, _blocks(kind)), kind)
    return tuple(first.values())


@cache
def one_per_layers():
    """Return the first type of each kind of layers, whatever its family is: for long tests."""
    first = {}
    for kind in FAMILIES:
        first.setdefault(_blocks(kind), kind)
    return tuple(first.values())


@cache
def _blocks(kind):
    """Return the kinds of blocks that each kind of a type's layers is made of."""
    groups = FAMILIES[kind](tiny(kind).decoder).groups
    return frozenset((type(g), type(g.attention), type(g.feed_forward)) for g in groups)
