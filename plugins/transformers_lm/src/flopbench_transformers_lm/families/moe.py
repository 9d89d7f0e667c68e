"""Families with grouped-query attention and routed experts in most layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from flopbench.blocks import Decoder, GatedMlp, Moe
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import moe_parts
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parts import (
    LAYER_NORM,
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)
from flopbench_transformers_lm.families.routed import ROUTED

_LOCAL = "num_local_experts"


def mixtral(config: LmConfig) -> Decoder:
    """Mixtral (arXiv:2401.04088): Mistral with experts."""
    fields = Fields(config)
    experts = _experts(fields, count=_LOCAL, normalised=True)
    return _windowed(fields, [experts] * fields.layers)


def phimoe(config: LmConfig) -> Decoder:
    """Phi-3.5-MoE (arXiv:2409.12136): layer norms, and two experts chosen in turn.

    Masking scores far below the best one is not priced.
    """
    fields = Fields(config)
    fields.one_of("num_experts_per_tok", 2)
    experts = _experts(fields, count=_LOCAL, scoring="in_turn")
    blocks = by_window(fields, attention(fields, biases="attention_bias"))
    layers = [(block, experts) for block in blocks]
    return decoder(fields, layers, norm=LAYER_NORM, head={"bias": fields.flag("lm_head_bias")})


def qwen2_moe(config: LmConfig) -> Decoder:
    """Qwen1.5-MoE and Qwen2-MoE (arXiv:2407.10671): a shared expert with a gate."""
    fields = Fields(config)
    shared = gated_mlp(fields, inner=fields.size("shared_expert_intermediate_size"))
    parts = sparse_steps(fields, shared)
    return _windowed(fields, parts, biases="qkv_bias", out_bias=False)


def qwen3_moe(config: LmConfig) -> Decoder:
    """Qwen3-MoE (arXiv:2505.09388): norms of query and key heads."""
    fields = Fields(config)
    return _windowed(fields, sparse_steps(fields), biases="attention_bias", qk_norm=RMS)


def olmoe(config: LmConfig) -> Decoder:
    """OLMoE (arXiv:2409.02060): a norm of all query heads at once, and of all key heads."""
    fields = Fields(config)
    experts = _experts(fields, normalised=fields.flag("norm_topk_prob"))
    return _alike(fields, experts, biases="attention_bias", qk_norm=RMS, qk_norm_over="all")


def flex_olmo(config: LmConfig) -> Decoder:
    """FlexOlmo (arXiv:2507.07024): OLMoE with the norms after attention and experts."""
    made = olmoe(config)
    return attrs.evolve(made, around=attrs.evolve(made.around, posts=2))


def gpt_oss(config: LmConfig) -> Decoder:
    """gpt-oss (arXiv:2508.10925): sinks, biases, windows, a softmax over the experts chosen.

    An expert multiplies g * sigmoid(a * g) by u + 1.
    """
    fields = Fields(config)
    function = {"activation": "quick_gelu", "plus_one": True, "bias": True}
    experts = _experts(fields, count=_LOCAL, experts=function, scoring="chosen", bias=True)
    parts = [experts] * fields.layers
    made = _windowed(fields, parts, biases="attention_bias", sinks=True, softmax_dtype=None)
    return moe_parts.angles_per_pair(made)


def granitemoe(config: LmConfig) -> Decoder:
    """Granite 3.0 MoE: constants multiply embeddings, scores, residual additions and logits."""
    return _granite(Fields(config), None)


def granitemoeshared(config: LmConfig) -> Decoder:
    """Granite 4.0 Tiny's parts: those of Granite 3.0 MoE, and a shared MLP if it has a width."""
    fields = Fields(config)
    inner = fields.size("shared_intermediate_size", least=0)
    return _granite(fields, gated_mlp(fields, inner=inner, fused=True) if inner else None)


def ernie4_5_moe(config: LmConfig) -> Decoder:
    """ERNIE 4.5: softmax scores with a correction; the first layers, or some between, are dense."""
    fields = Fields(config)
    fields.no_window()
    bias, inner = fields.flag("use_bias"), fields.size("moe_intermediate_size")
    together = inner * fields.size("moe_num_shared_experts", least=0)
    shared = gated_mlp(fields, inner=together, bias=bias) if together else None
    sparse = moe(fields, inner, shared, shared_first=True, corrected=True, normalised=True)
    dense = gated_mlp(fields, bias=bias)
    first = fields.size("moe_layer_start_index", least=0)
    last = fields.size("moe_layer_end_index", least=-1)
    interval = fields.size("moe_layer_interval")
    block = attention(fields, biases="use_bias")
    layers: list[tuple[Any, FeedForward]] = [
        (block, sparse if first <= i <= last and (i + 1) % interval == 0 else dense)
        for i in range(fields.layers)
    ]
    return decoder(fields, layers, head={"bias": bias})


def minimax_m2(config: LmConfig) -> Decoder:
    """MiniMax-M2: sigmoid scores with a correction; a part of each head may be rotated."""
    fields = Fields(config)
    experts = _experts(fields, count=_LOCAL, scoring="sigmoid", corrected=True, normalised=True)
    return _alike(fields, experts, rope_partly=True, qk_norm=RMS, qk_norm_over="all")


def hunyuan_v1_moe(config: LmConfig) -> Decoder:
    """Hunyuan-Large (arXiv:2411.02265): a shared MLP; each layer may choose a different number."""
    fields = Fields(config)
    fields.no_window()
    fields.size("head_dim")  # transformers does not run null, the default
    chosen = fields.get("moe_topk")
    if not isinstance(chosen, list):
        chosen = [chosen] * fields.layers
    if len(chosen) != fields.layers:
        raise fields.refused("moe_topk", f"numbers, or lists of {fields.layers} of them")
    shared = gated_mlp(fields)
    block = attention(fields, biases="attention_bias", qk_norm=RMS)
    usual = {"shared": shared, "shared_first": True, "normalised": True}
    experts = [_experts(fields, chosen=k, **usual) for k in chosen]
    return decoder(fields, [(block, part) for part in experts])


def _experts(fields: Fields, **options: Any) -> Moe:
    return moe(fields, fields.size("intermediate_size"), **options)


def _windowed(fields: Fields, parts: Sequence[FeedForward], **options: Any) -> Decoder:
    blocks = by_window(fields, attention(fields, **options))
    return decoder(fields, zip(blocks, parts, strict=True))


def _alike(fields: Fields, part: FeedForward, **options: Any) -> Decoder:
    """Return a decoder whose layers are all the same, without windows."""
    fields.no_window()
    return decoder(fields, [(attention(fields, **options), part)] * fields.layers)


def sparse_steps(
    fields: Fields, shared: GatedMlp | None = None, *, shared_first: bool = False
) -> list[FeedForward]:
    """Return Qwen's parts: experts in every n-th layer, n the field's, that is not excepted."""
    step, excepted = fields.size("decoder_sparse_step"), fields.get("mlp_only_layers", [])
    dense = gated_mlp(fields)
    if not fields.size("num_experts", least=0):
        return [dense] * fields.layers
    normalised = fields.flag("norm_topk_prob")
    inner = fields.size("moe_intermediate_size")
    sparse = moe(fields, inner, shared, shared_first=shared_first, normalised=normalised)
    sparse = attrs.evolve(sparse, shared_gate=shared is not None)
    return [
        sparse if i not in excepted and (i + 1) % step == 0 else dense for i in range(fields.layers)
    ]


def _granite(fields: Fields, shared: GatedMlp | None) -> Decoder:
    fields.no_window()
    experts = _experts(fields, count=_LOCAL, scoring="chosen", shared=shared)
    block, scaled = attention(fields, biases="attention_bias"), {"scaled": True}
    layers = [(block, experts)] * fields.layers
    return decoder(fields, layers, around=scaled, embeddings=scaled, head=scaled)


MOE: dict[str, Family] = {
    "ernie4_5_moe": ernie4_5_moe,
    "flex_olmo": flex_olmo,
    "gpt_oss": gpt_oss,
    "granitemoe": granitemoe,
    "granitemoeshared": granitemoeshared,
    "hunyuan_v1_moe": hunyuan_v1_moe,
    "minimax_m2": minimax_m2,
    "mixtral": mixtral,
    "olmoe": olmoe,
    "phimoe": phimoe,
    "qwen2_moe": qwen2_moe,
    "qwen3_moe": qwen3_moe,
    **ROUTED,
}
