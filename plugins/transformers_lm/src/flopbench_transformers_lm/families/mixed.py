"""Relatives of families with experts, with gates on attention or layers that differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from flopbench.blocks import Decoder, Moe
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.dense import rotations
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.latent import latent_attention
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parallel import COHERE_NORM
from flopbench_transformers_lm.families.parts import (
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)
from flopbench_transformers_lm.families.routed import feed_forwards, sigmoid, sparse_by_list

_GATINGS = (True, "per-head", "per-element", False)
"""What Laguna's field may be; the last two are a gate for each element."""

_NORMALISED_SIGMOID: dict[str, Any] = {
    "scoring": "sigmoid",
    "corrected": True,
    "normalised": True,
}


def exaone_moe(config: LmConfig) -> Decoder:
    """K-EXAONE (arXiv:2601.01739): EXAONE 4.0's attention with norms before, and experts."""
    fields = Fields(config)
    block = attention(fields, qk_norm=RMS)
    everywhere = fields.get("sliding_window") is None
    blocks = [
        each if everywhere or each.window else attrs.evolve(each, rope_dim=0)
        for each in by_window(fields, block)
    ]
    inner = fields.size("moe_intermediate_size")
    shared = gated_mlp(fields, inner=inner * fields.size("num_shared_experts"))
    scores = sigmoid(fields)
    parts = _parts(fields, sparse_by_list(fields), lambda: moe(fields, inner, shared, **scores))
    return decoder(fields, zip(blocks, parts, strict=True), angles=[block.rope_dim])


def axk1(config: LmConfig) -> Decoder:
    """A.X K1 (huggingface.co/skt/A.X-K1): DeepSeek-V3 with a norm after the experts."""
    fields = Fields(config)
    fields.no_window()
    fields.size("q_lora_rank")
    parts = feed_forwards(fields, sparse_by_list(fields), sigmoid(fields))
    normed = [attrs.evolve(p, norm=RMS) if isinstance(p, Moe) else p for p in parts]
    block = latent_attention(fields)
    return decoder(fields, [(block, part) for part in normed])


def mellum(config: LmConfig) -> Decoder:
    """Mellum 2 (huggingface.co/JetBrains): Qwen3-MoE with windows, and a list of dense layers."""
    fields = Fields(config)
    blocks = by_window(fields, attention(fields, biases="attention_bias", qk_norm=RMS))
    inner, normalised = fields.size("moe_intermediate_size"), fields.flag("norm_topk_prob")
    count = "num_local_experts"
    parts = _parts(
        fields,
        sparse_by_list(fields),
        lambda: moe(fields, inner, count=count, normalised=normalised),
    )
    layers = zip(blocks, parts, strict=True)
    return decoder(fields, layers, angles=[blocks[0].rope_dim] * rotations(fields))


def afmoe(config: LmConfig) -> Decoder:
    """AFMoE, of Arcee's Trinity (arXiv:2602.17004): a gate on attention; sliding layers rotate."""
    fields = Fields(config)
    block = attention(fields, biases="attention_bias", qk_norm=RMS, gate="sigmoid")
    blocks = [
        each if each.window else attrs.evolve(each, rope_dim=0) for each in by_window(fields, block)
    ]
    inner = fields.size("moe_intermediate_size")
    shared = gated_mlp(fields, inner=inner * fields.size("num_shared_experts"))
    scores = {**_NORMALISED_SIGMOID, "scaled": True, "shared_first": True}
    first = fields.size("num_dense_layers", least=0)
    parts = _parts(fields, lambda n: n >= first, lambda: moe(fields, inner, shared, **scores))
    return decoder(
        fields,
        zip(blocks, parts, strict=True),
        around={"norms": 4, "posts": 2},
        embeddings={"scaled": fields.flag("mup_enabled")},
        angles=[block.rope_dim],
    )


def cohere2_moe(config: LmConfig) -> Decoder:
    """Command A+'s experts (docs.cohere.com): Command A with experts in most layers."""
    fields = Fields(config)
    dense_turn = fields.get("prefix_dense_sliding_window_pattern") == 1
    sparse = sparse_by_list(fields)
    block = attention(fields, biases="attention_bias")
    blocks = [
        each if each.window or (dense_turn and not sparse(n)) else attrs.evolve(each, rope_dim=0)
        for n, each in enumerate(by_window(fields, block))
    ]
    parts = _parts(
        fields,
        sparse,
        lambda: _cohere_experts(fields),
        lambda: gated_mlp(fields, inner=fields.size("prefix_dense_intermediate_size")),
    )
    return decoder(
        fields,
        zip(blocks, parts, strict=True),
        norm=COHERE_NORM if fields.get("rms_norm_eps") is None else RMS,
        around={"norms": 1, "parallel": True},
        head={"scaled": True},
        angles=[block.rope_dim],
    )


def _cohere_experts(fields: Fields) -> Moe:
    scoring = fields.one_of("expert_selection_fn", "softmax", "sigmoid")
    how = fields.one_of("shared_expert_combination_strategy", "average", "sum")
    inner = fields.size("intermediate_size")
    together = inner * fields.size("num_shared_experts", least=0)
    shared = gated_mlp(fields, inner=together) if together else None
    router: dict[str, Any] = {"scoring": "chosen"}
    if scoring == "sigmoid":
        router = {"scoring": "chosen_sigmoid", "normalised": fields.flag("norm_topk_prob")}
    made = moe(fields, inner, shared, **router)
    return attrs.evolve(made, averaged=shared is not None and how == "average")


def aria_text(config: LmConfig) -> Decoder:
    """Aria (arXiv:2410.05993): Llama's attention, and experts that two shared ones stand beside."""
    fields = Fields(config)
    fields.no_window()
    inner, bias = fields.size("intermediate_size"), fields.flag("mlp_bias")
    shared = gated_mlp(fields, inner=inner * fields.size("moe_num_shared_experts"), bias=bias)
    experts = moe(
        fields,
        inner,
        shared,
        count="moe_num_experts",
        chosen="moe_topk",
        scoring="chosen",
        experts={"activation": "silu"},
    )
    block = attention(fields, biases="attention_bias")
    return decoder(fields, [(block, experts)] * fields.layers)


def laguna(config: LmConfig) -> Decoder:
    """Laguna (huggingface.co/poolside): gates on heads, a number of heads for each layer."""
    fields = Fields(config)
    gating = fields.one_of("gating", *_GATINGS)
    heads = fields.get("num_attention_heads_per_layer")
    windows, head_dim, kv_heads = (
        fields.windows(),
        fields.head_dim,
        fields.size("num_key_value_heads"),
    )
    if not isinstance(heads, list) or any(
        type(n) is not int or n < 1 or n % kv_heads for n in heads
    ):
        raise fields.refused("num_attention_heads_per_layer", f"lists of multiples of {kv_heads}")
    rotated = rope_dims(fields, head_dim)
    kinds = fields.per_layer("layer_types", "full_attention", "sliding_attention")
    block = attention(
        fields,
        biases="attention_bias",
        kv_heads=kv_heads,
        rope_dim=0,
        qk_norm=RMS,
        gate="softplus",
        gate_heads=gating in {True, "per-head"},
    )
    blocks = [
        attrs.evolve(block, heads=count, window=window, rope_dim=rotated[kind])
        for count, window, kind in zip(heads, windows, kinds, strict=True)
    ]
    shared = gated_mlp(fields, inner=fields.size("shared_expert_intermediate_size"))
    softcap = fields.get("moe_router_logit_softcapping", 0.0) > 0
    inner = fields.size("moe_intermediate_size")
    options = {**_NORMALISED_SIGMOID, "softcap": softcap, "shared_first": True}
    experts = attrs.evolve(moe(fields, inner, shared, **options), routed_scaled=True)
    parts = _parts(fields, sparse_by_list(fields), lambda: experts)
    return decoder(fields, zip(blocks, parts, strict=True), angles=[*rotated.values()])


def rope_dims(fields: Fields, width: int) -> dict[str, int]:
    """Return the rotated elements of a head in each kind of layer, as its own parameters say."""
    nested = fields.get("rope_parameters")
    kinds = sorted(set(fields.get("layer_types")))
    if not isinstance(nested, dict) or not all(isinstance(nested.get(k), dict) for k in kinds):
        raise fields.refused("rope_parameters", f"parameters for each of {', '.join(kinds)}")
    return {kind: _of_kind(fields, nested[kind]).rope_dim(width, partly=True) for kind in kinds}


def _of_kind(fields: Fields, parameters: dict[str, Any]) -> Fields:
    values = {**fields.config.values, "rope_parameters": parameters}
    return Fields(attrs.evolve(fields.config, values=values))


def _parts(
    fields: Fields,
    sparse: Callable[[int], bool],
    experts: Callable[[], Moe],
    dense: Callable[[], FeedForward] | None = None,
) -> list[FeedForward]:
    """Return the experts or the MLP of each layer; a kind that no layer has is not read."""
    make_dense = dense or (lambda: gated_mlp(fields))
    return [experts() if sparse(layer) else make_dense() for layer in range(fields.layers)]


MIXED: dict[str, Family] = {
    "afmoe": afmoe,
    "aria_text": aria_text,
    "axk1": axk1,
    "cohere2_moe": cohere2_moe,
    "exaone_moe": exaone_moe,
    "laguna": laguna,
    "mellum": mellum,
}
