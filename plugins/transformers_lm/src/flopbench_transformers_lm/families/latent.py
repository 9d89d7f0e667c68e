"""Families with latent attention (arXiv:2405.04434): DeepSeek-V2, DeepSeek-V3 and relatives.

transformers caches a latent vector and a rotated key per token, and at every step expands the
whole cache to the keys and values of all heads: see `flopbench.blocks.LatentAttention`.
"""

from __future__ import annotations

from typing import Any

from flopbench.blocks import Decoder, LatentAttention
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import moe_parts
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward
from flopbench_transformers_lm.families.parts import Family, decoder
from flopbench_transformers_lm.families.routed import (
    feed_forwards,
    from_first_sparse,
    groups,
    sigmoid,
    sparse_by_list,
)


def deepseek_v2(config: LmConfig) -> Decoder:
    """DeepSeek-V2 (arXiv:2405.04434): softmax scores; all experts or the best groups' compete."""
    fields = Fields(config)
    routing: dict[str, Any] = {"scaled": True}
    method = fields.one_of("topk_method", "greedy", "group_limited_greedy")
    if method == "group_limited_greedy":
        routing |= {**groups(fields), "group_votes": 1}
    bias = fields.flag("mlp_bias")
    parts = feed_forwards(fields, from_first_sparse(fields), routing, bias=bias)
    # Two elements are rotated as one complex number.
    return moe_parts.angles_per_pair(_decoder(fields, parts))


def deepseek_v3(config: LmConfig) -> Decoder:
    """DeepSeek-V3 (arXiv:2412.19437): sigmoid scores, groups by the sum of their best two."""
    fields = Fields(config)
    return _decoder(fields, feed_forwards(fields, from_first_sparse(fields), sigmoid(fields)))


def glm4_moe_lite(config: LmConfig) -> Decoder:
    """GLM-4.7-Flash: DeepSeek-V3 with a list of the layers that have experts."""
    fields = Fields(config)
    return _decoder(fields, feed_forwards(fields, sparse_by_list(fields), sigmoid(fields)))


def youtu(config: LmConfig) -> Decoder:
    """Youtu-LLM: DeepSeek-V3's attention, and an MLP in each layer."""
    fields = Fields(config)
    return _decoder(fields, feed_forwards(fields, lambda _: False, {}))


def _decoder(fields: Fields, parts: list[FeedForward]) -> Decoder:
    fields.no_window()
    attention = latent_attention(fields)
    return decoder(fields, [(attention, part) for part in parts])


def latent_attention(
    fields: Fields, rope_dim: int | None = None, **options: Any
) -> LatentAttention:
    """Return attention over all keys with the sizes of DeepSeek-V2's config.

    Args:
        rope_dim: elements of a head that are rotated; None for those that the rotary field says.
        options: fields of the block that differ from the usual.
    """
    # transformers has keys for all heads, and would repeat them by the ratio of these fields.
    fields.one_of("num_key_value_heads", fields.heads)
    if rope_dim is None:
        rope_dim = fields.rope_dim(fields.size("qk_rope_head_dim"), named="qk_rope_head_dim")
        fields.one_of("head_dim", rope_dim)  # what the angles are computed for
    ranked = fields.get("q_lora_rank") is not None
    return LatentAttention(
        width=fields.width,
        heads=fields.heads,
        query_rank=fields.size("q_lora_rank") if ranked else None,
        kv_rank=fields.size("kv_lora_rank"),
        nope_dim=fields.size("qk_nope_head_dim"),
        rope_dim=rope_dim,
        value_dim=fields.size("v_head_dim"),
        bias=fields.flag("attention_bias"),
        **options,
    )


LATENT: dict[str, Family] = {
    "deepseek_v2": deepseek_v2,
    "deepseek_v3": deepseek_v3,
    "glm4_moe_lite": glm4_moe_lite,
    "youtu": youtu,
}
