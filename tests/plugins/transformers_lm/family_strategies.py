"""Random small configs of the model types with closed forms and no experts."""

from hypothesis import strategies as st

from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config, to_transformers
from flopbench_transformers_lm.families.dense import DENSE
from flopbench_transformers_lm.families.gemma import GEMMA
from flopbench_transformers_lm.families.parallel import PARALLEL
from flopbench_transformers_lm.families.plain import PLAIN

TYPES = sorted({**DENSE, **GEMMA, **PARALLEL, **PLAIN})

FLAGS = (
    *("attention_bias", "attention_out_bias", "bias", "enable_bias", "mlp_bias", "use_bias"),
    *("use_qkv_bias", "qk_layernorm", "use_qk_norm", "tie_word_embeddings", "multi_query"),
    *("use_parallel_residual", "parallel_attn", "layer_norm_elementwise_affine"),
    *("do_layer_norm_before", "scale_embedding", "alibi", "use_conv_bias", "mamba_conv_bias"),
    *("mamba_proj_bias",),
)
"""Fields that may be true or false in any type that has them."""

OWN_HEADS = {"helium", "stablelm", "persimmon", "gpt_neox", "biogpt", "opt", "bloom"}
"""Types whose heads share the model's width, whatever ``head_dim`` says."""


def field_names(model_type):
    config = to_transformers(LmConfig(model_type, {}))
    return {*config.to_dict()}, config.attribute_map


@st.composite
def configs(draw, model_type):
    """Draw a config; whatever the type has no field for is left out."""
    known, aliases = field_names(model_type)
    kv_heads = draw(st.integers(1, 2))
    heads = kv_heads * draw(st.integers(1, 2))
    if model_type == "codegen":  # its heads are laid out for 4 processors
        kv_heads, heads = 4, 4
    head_dim = 8 * draw(st.integers(1, 2))
    layers = draw(st.integers(1, 3))
    width = heads * head_dim
    if model_type not in OWN_HEADS and "head_dim" in known:
        width = 8 * draw(st.integers(2, 5))
    values = {
        "vocab_size": draw(st.integers(20, 40)),
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "num_kv_heads": heads,
        "head_dim": head_dim,
        "intermediate_size": draw(st.integers(10, 30)),
        "ffn_dim": draw(st.integers(10, 30)),
        "ffn_hidden_size": draw(st.integers(10, 30)),
        "word_embed_proj_dim": width,
        "rotary_dim": 4,
        "window_size": draw(st.integers(1, 6)),
        "pad_token_id": None,
        "bos_token_id": 1,
        "eos_token_id": None,
    }
    values |= {flag: draw(st.booleans()) for flag in FLAGS if flag in known}
    if "layer_types" in known:
        kinds = st.sampled_from(["sliding_attention", "full_attention"])
        values["layer_types"] = draw(st.lists(kinds, min_size=layers, max_size=layers))
        values["use_sliding_window"] = True
    if "layer_types" in known or model_type in {"mistral", "phi3", "starcoder2"}:
        values["sliding_window"] = draw(st.integers(2, 12))
    if "attention_types" in known:
        values["attention_types"] = [[["global", "local"], layers]]
        values["num_layers"] = 2 * layers
    if "no_rope_layers" in known:
        bits = st.integers(0, 1)
        values["no_rope_layers"] = draw(st.lists(bits, min_size=layers, max_size=layers))
    if model_type == "falcon":
        values |= _falcon(draw, values)
    named = {aliases.get(field, field): value for field, value in values.items()}
    overrides = {field: value for field, value in named.items() if field in known}
    return read_config(model_type, LmOptions(overrides=overrides))


def _falcon(draw, values):
    if not draw(st.booleans()):
        return {}
    return {
        "new_decoder_architecture": True,
        "parallel_attn": True,
        "num_kv_heads": values["num_key_value_heads"],
        "num_ln_in_parallel_attn": draw(st.sampled_from([1, 2])),
    }
