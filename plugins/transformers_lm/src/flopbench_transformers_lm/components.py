"""Which component a module of a causal language model belongs to, by its path.

transformers names the same part in many ways. Each rule here maps the names of one part to its
component; rules are tried in order. A module that no rule matches keeps its own path, so that it
shows up as a difference and is never dropped.
"""

from __future__ import annotations

import re
from functools import cache

_ATTENTION = r"(self_attn|self_attention|attn|attention|multi_head_attention)(\.(self|attention))?"
_MOE = r"(mlp|feed_forward|ffn|moe|block_sparse_moe|block_sparse_mlp)"
_IN_LAYER = r"\.\d+\."
"""Layers are numbered; what follows is inside one."""

_QKV = (
    r"(q|k|v|query|key|qk|kv|qkv)(_[ab])?_?(proj(_\w+)?|norm|layernorm|ln)|[qkv]|c_attn|query_key_value|"
    r"W(qkv|q|k|v)|query|key|value|(q|k|v)_lin"
)
"""Queries, keys and values, fused or separate, including latent ones and their norms."""

_MIXER = r"(mixer|mamba|linear_attn)"
"""What is in the place of attention, in models that have a recurrence there."""

_HEAD = (
    r"^(embed_out|output(_projection)?|proj_out|pred_layer|head|decoder)$|"
    r"^(lm_head|cls|generator_\w+)(\.|$)"
)

_MODELS_OWN = frozenset({"decoder/embed", "decoder/rope", "lm_head"})
"""What multi-token prediction layers share with the model."""

_RULES = (
    (r"^shared_head$", "lm_head"),
    (r"\.eh_proj$", "projection"),
    (_HEAD, "lm_head"),
    (r"(^|\.)(rotary_\w+|rope\w*|pos_emb)(\.|$)", "decoder/rope"),
    (rf"\.{_MIXER}\.in_proj\w*$", "decoder/recurrence/in"),
    (rf"\.{_MIXER}\.out_proj$", "decoder/recurrence/out"),
    (rf"\.{_MIXER}\.norm$", "decoder/recurrence/norm"),
    (rf"\.{_MIXER}(\.conv\w*)?$", "decoder/recurrence/core"),
    (rf"{_IN_LAYER}per_layer_\w+$", "decoder/per_layer"),
    (r"(^|\.)per_layer_model_projection$", "decoder/embed"),
    (rf"{_IN_LAYER}altup(\.|$)|\.layers\.\d+$|\.altup_\w+(\.|$)", "decoder/altup"),
    (rf"{_IN_LAYER}laurel(\.|$)", "decoder/laurel"),
    (rf"{_IN_LAYER}router(\.|$)", "decoder/moe/router"),
    (rf"{_IN_LAYER}experts$", "decoder/moe/experts"),
    (rf"\.{_MOE}\.(gate|router)(\.|$)", "decoder/moe/router"),
    (rf"\.{_MOE}\.experts(\.|$)", "decoder/moe/experts"),
    (rf"\.({_MOE}\.)?shared_(experts?|mlp|expert_gate)(\.|$)", "decoder/moe/shared"),
    (rf"\.{_ATTENTION}\.(gate|g)_proj$", "decoder/attention/gate"),
    (rf"\.{_ATTENTION}\.indexer(\.|$)", "decoder/attention/indexer"),
    (rf"\.{_ATTENTION}\.({_QKV})(\.|$)", "decoder/attention/qkv"),
    (
        rf"\.{_ATTENTION}\.((o|out|c)_proj|dense|output\.dense|out_lin|Wo)$",
        "decoder/attention/out",
    ),
    (rf"\.{_ATTENTION}$", "decoder/attention/core"),
    (
        r"(^|\.)(embed\w*|(word|tok|token|pos|position)\w*_embed\w*|w[tp]e)(\.|$)",
        "decoder/embed",
    ),
    (rf"{_IN_LAYER}(\w+\.)?({_MOE}|mlp|intermediate)(\.|$)", "decoder/mlp"),
    (rf"{_IN_LAYER}(fc[12]|output\.dense)$", "decoder/mlp"),
    (r"(^|\.)(\w*norm\w*|LayerNorm|ln_\w+)$", "decoder/norm"),
)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), component) for pattern, component in _RULES)


def component_of(module: str, op: str = "") -> str:
    """Return the component path of work in a module, a dotted path below the model.

    Args:
        op: which operation of it; the convolution of a recurrence is told apart.
    """
    prediction = module.removeprefix("mtp.")
    if prediction != module:
        found = component_of(prediction, op)
        return found if found in _MODELS_OWN else f"mtp/{found.removeprefix('decoder/')}"
    for pattern, component in _rules():
        if pattern.search(module):
            convolved = component == "decoder/recurrence/core" and "conv" in op
            return "decoder/recurrence/conv" if convolved else component
    return "unmapped/" + re.sub(r"\.\d+(?=\.|$)", ".*", module or "model")
