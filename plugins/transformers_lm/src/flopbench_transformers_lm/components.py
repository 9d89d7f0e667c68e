"""Which component a module of a causal language model belongs to, by its path.

transformers names the same part in many ways. Each rule here maps the names of one part to its
component; rules are tried in order. A module that no rule matches keeps its own path, so that it
shows up as a difference and is never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

_ATTENTION = (
    r"(self_attn|self_attention|attn|attention|multi_head_attention|temporal_block)"
    r"(\.(self|attention))?"
)
_MOE = r"(mlp|feed_forward|ffn|moe|block_sparse_moe|block_sparse_mlp)"
_LAYER = re.compile(r"\.layers\.\d+$")
_IN_LAYER = r"\.\d+\."
"""Layers are numbered; what follows is inside one."""

_QKV = (
    r"(q|k|v|query|key|qk|kv|qkv)(_[ab])?_?(proj(_\w+)?|norm|layernorm|ln)|[qkv]|c_attn|query_key_value|"
    r"W(qkv|q|k|v)|query|key|value|(q|k|v)_lin"
)
"""Queries, keys and values, fused or separate, including latent ones and their norms."""

_ATTENTIONS = re.compile(rf"^(.*{_IN_LAYER})self_attn(?=\.|$)")
"""What some models also call a recurrence in the place of attention."""

_MIXER = r"(mixer|mamba|linear_attn|(?<=\d\.)conv)"
"""What is in the place of attention, in models that have a recurrence there."""

_RWKV = r"^rwkv\.blocks\.\d+\.attention"

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
    (r"(^|\.)embedding_norm$", "decoder/norm"),
    (r"(^|\.)(rotary_\w+|rope\w*|pos_emb)(\.|$)", "decoder/rope"),
    (rf"{_RWKV}\.(key|value|receptance)$", "decoder/recurrence/in"),
    (rf"{_RWKV}\.output$", "decoder/recurrence/out"),
    (rf"{_RWKV}$", "decoder/recurrence/core"),
    (r"\.temporal_block\.linear_[xy]$", "decoder/recurrence/in"),
    (r"\.temporal_block\.linear_out$", "decoder/recurrence/out"),
    (r"\.temporal_block\.conv_1d$", "decoder/recurrence/conv"),
    (r"\.temporal_block\.rg_lru$", "decoder/recurrence/core"),
    (
        rf"\.{_MIXER}\.(in_proj\w*|(forget_gate\.)?[fg]_[ab]_proj|(q|k|v|a|b|g|qkv)_proj|output_gate)$",
        "decoder/recurrence/in",
    ),
    (rf"\.{_MIXER}\.(out|o)_proj$", "decoder/recurrence/out"),
    (rf"\.{_MIXER}\.x_proj$", "decoder/recurrence/select"),
    (rf"\.{_MIXER}\.\w*norm$", "decoder/recurrence/norm"),
    (rf"\.{_MIXER}\.\w*conv\w*$", "decoder/recurrence/conv"),
    (rf"\.{_MIXER}(\.(dt_proj|forget_gate))?$", "decoder/recurrence/core"),
    (rf"{_IN_LAYER}per_layer_\w+$", "decoder/per_layer"),
    (r"(^|\.)per_layer_model_projection$", "decoder/embed"),
    (rf"{_IN_LAYER}altup(\.|$)|\.altup_\w+(\.|$)", "decoder/altup"),
    (rf"{_IN_LAYER}laurel(\.|$)", "decoder/laurel"),
    (rf"{_IN_LAYER}router(\.|$)", "decoder/moe/router"),
    (rf"{_IN_LAYER}experts$", "decoder/moe/experts"),
    (rf"\.{_MOE}\.(gate|router)(\.|$)", "decoder/moe/router"),
    (rf"\.{_MOE}\.experts(\.|$)", "decoder/moe/experts"),
    (rf"\.{_MOE}\.fc\d_latent_proj$", "decoder/moe/latent"),
    (rf"\.({_MOE}\.)?shared_(experts?|mlp|expert_gate)(\.|$)", "decoder/moe/shared"),
    (rf"\.{_ATTENTION}\.(gate|g)_proj$", "decoder/attention/gate"),
    (rf"\.{_ATTENTION}\.indexer(\.|$)", "decoder/attention/indexer"),
    (rf"\.{_ATTENTION}\.({_QKV}|linear_[qkv]_adapter_list)(\.|$)", "decoder/attention/qkv"),
    (rf"{_IN_LAYER}linear$", "decoder/linear"),
    (
        rf"\.{_ATTENTION}\.((o|out|c)_proj|dense|output(\.dense)?|out_lin|Wo)$",
        "decoder/attention/out",
    ),
    (rf"\.{_ATTENTION}$", "decoder/attention/core"),
    (
        r"(^|\.)(embed\w*|(word|tok|token|pos|position)\w*_embed\w*|w[tp]e)(\.|$)",
        "decoder/embed",
    ),
    (rf"{_IN_LAYER}(\w+\.)?({_MOE}|mlp(_block)?|intermediate)(\.|$)", "decoder/mlp"),
    (rf"{_IN_LAYER}(fc[12]|output\.dense)$", "decoder/mlp"),
    (r"(^|\.)(\w*norm\w*|LayerNorm|ln_\w+|(pre_)?ln\d?)$", "decoder/norm"),
)


_OF_KINDS = {
    "linear_attention": "mamba",
    "full_attention": "self_attn",
    "mlp": "mlp",
    "moe": "mlp",
}
"""What a layer's only part is usually called, by the kind of layer."""


def told_apart(module: str, kinds: Sequence[str]) -> str:
    """Return a module's path with the name of its layer's only part, if all kinds share one."""

    def usual(found: re.Match[str]) -> str:
        return f"{found[1]}.{_OF_KINDS[kinds[int(found[2])]]}"

    return re.sub(r"^(model\.layers\.(\d+))\.mixer\b", usual, module)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), component) for pattern, component in _RULES)


def recurrent_in(model: Any) -> frozenset[str]:
    """Return the paths of a model's modules that say they have linear attention."""
    return frozenset(
        name
        for name, module in model.named_modules()
        if getattr(module, "layer_type", None) == "linear_attention"
    )


def usual_name(module: str, recurrent: frozenset[str]) -> str:
    """Return a module's path, in which ``linear_attn`` is the name of a recurrence.

    Some models have attention in some layers and a recurrence in others, and one name for both.

    Args:
        recurrent: paths of modules that are recurrences.
    """
    own = _ATTENTIONS.match(module)
    if own is None or own[0] not in recurrent:
        return module
    return f"{own[1]}linear_attn{module[own.end() :]}"


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
    if op and _LAYER.search(module):
        return "decoder/altup"  # Gemma 3n's layers multiply their streams themselves
    return "unmapped/" + re.sub(r"\.\d+(?=\.|$)", ".*", module or "model")
