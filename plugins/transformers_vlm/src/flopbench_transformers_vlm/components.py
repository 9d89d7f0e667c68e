"""Which component a module of a tower, or between tower and language model, belongs to."""

from __future__ import annotations

import re
from functools import cache

_LAYER = r"\.(blocks|layers?|resblocks)\.\d+\."
_ATTENTION = rf"{_LAYER}(self_attn|attn|attention|self_attention)"
_QKV = r"(qkv(_proj)?|[qkv](_proj|_norm)?|query|key|value|in_proj|[qk]_layernorm)"
_WINDOWS = r"\.vit_merger"
_PROJECTORS = (
    "multi_modal_projector|image_to_text_projection|projector|vision_projection|connector|aligner|"
    "visual_embeddings_table"
)

_DAVIT = r"\.blocks\.\d+\.\d+\.\w+_block\."
"""A block of DaViT, whose stages are lists of them."""

_RULES = (
    (rf"{_WINDOWS}\.self_attn\.{_QKV}$", "vision/window_merger/qkv"),
    (rf"{_WINDOWS}\.self_attn\.out_proj$", "vision/window_merger/out"),
    (rf"{_WINDOWS}\.self_attn$", "vision/window_merger/core"),
    (rf"{_WINDOWS}(\.|$)", "vision/window_merger"),
    (rf"{_DAVIT}window_attn\.qkv$", "vision/attention/qkv"),
    (rf"{_DAVIT}window_attn\.proj$", "vision/attention/out"),
    (rf"{_DAVIT}window_attn$", "vision/attention/core"),
    (rf"{_DAVIT}channel_attn\.qkv$", "vision/channel_attention/qkv"),
    (rf"{_DAVIT}channel_attn\.proj$", "vision/channel_attention/out"),
    (rf"{_DAVIT}channel_attn$", "vision/channel_attention/core"),
    (rf"{_DAVIT}conv\d$", "vision/conv"),
    (rf"{_DAVIT}ffn(\.|$)", "vision/mlp"),
    (r"\.convs\.\d+\.", "vision/patch_embed"),
    (r"\.pooler(\.|$)", "vision/pooler"),
    (rf"{_ATTENTION}(\.self)?\.{_QKV}$", "vision/attention/qkv"),
    (
        rf"{_ATTENTION}(\.output)?\.(proj|out|o_proj|out_proj|projection_layer|dense|output)$",
        "vision/attention/out",
    ),
    (rf"{_ATTENTION}(\.self)?$", "vision/attention/core"),
    (rf"{_LAYER}(mlp|feed_forward|ffn)(\.|$)", "vision/mlp"),
    (rf"{_LAYER}(intermediate|output)(\.|$)", "vision/mlp"),
    (rf"{_LAYER}\w*norm\w*$", "vision/norm"),
    (rf"{_LAYER}$|{_LAYER[:-2]}$", "vision/norm"),
    (r"\.(rotary\w*|patch_positional_embedding)(\.|$)", "vision/rope"),
    (r"\.(patch_embed\w*|patch_conv|embeddings|pos_embed)(\.|$)", "vision/patch_embed"),
    (r"\.neck(\.|$)", "vision/neck"),
    (r"\.head(_linear)?(\.|$)", "vision/head"),
    (r"\.deepstack_merger(s|_list)(\.|$)", "vision/deepstack"),
    (r"\.(merger|downsample|patch_merger)(\.|$)", "vision/merger"),
    (rf"(^|\.)({_PROJECTORS})(\.|$)", "vision/projector"),
    (r"\.\w*norm\w*$", "vision/norm"),
)
"""Tried in order; what no rule matches keeps its own path, so that it shows as a difference."""

_LANGUAGE = re.compile(r"^(model\.)?(language_model|text_model|lm_head)(\.|$)|^lm_head(\.|$)")


def is_language(module: str) -> bool:
    """Return whether a module belongs to the language model."""
    return bool(_LANGUAGE.match(module))


@cache
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), component) for pattern, component in _RULES)


def component_of(module: str) -> str:
    """Return the component path of work in a module of a tower or what follows it."""
    for pattern, component in _rules():
        if pattern.search(module):
            return component
    return "unmapped/" + re.sub(r"\.\d+(?=\.|$)", ".*", module or "model")
