"""Families with DeepSeek-V3's experts: sigmoid scores, groups, shared experts.

Source of the routing: arXiv:2412.19437. The families here have grouped-query attention; those
with latent attention are in `flopbench_transformers_lm.families.latent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flopbench.blocks import Decoder
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import moe_parts
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward
from flopbench_transformers_lm.families.parts import (
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)


def glm4_moe(config: LmConfig) -> Decoder:
    """GLM-4.5 (arXiv:2508.06471): a part of each head is rotated; the first layers are dense."""
    fields = Fields(config)
    norm = RMS if fields.flag("use_qk_norm") else None
    sparse = from_first_sparse(fields)
    return _partly_rotated(fields, feed_forwards(fields, sparse, sigmoid(fields)), qk_norm=norm)


def solar_open(config: LmConfig) -> Decoder:
    """Solar Open: GLM-4.5 with experts in every layer."""
    fields = Fields(config)
    return _partly_rotated(fields, feed_forwards(fields, lambda _: True, sigmoid(fields)))


def dots1(config: LmConfig) -> Decoder:
    """dots.llm1 (arXiv:2506.05767): norms of query and key heads; some layers may have a window."""
    fields = Fields(config)
    blocks = by_window(fields, attention(fields, biases="attention_bias", qk_norm=RMS))
    parts = feed_forwards(fields, from_first_sparse(fields), sigmoid(fields))
    return decoder(fields, zip(blocks, parts, strict=True))


def sigmoid(fields: Fields) -> dict[str, Any]:
    """Return the router's fields for sigmoid scores."""
    return {
        "scoring": "sigmoid",
        "corrected": True,
        **groups(fields),
        "normalised": fields.flag("norm_topk_prob"),
        "scaled": True,
    }


def groups(fields: Fields) -> dict[str, int]:
    """Return the router's number of groups, and how many of them are kept."""
    count = fields.size("n_group")
    return {"groups": count, "groups_kept": fields.size("topk_group", most=count)}


def from_first_sparse(fields: Fields) -> Callable[[int], bool]:
    """Return a test for the layers with experts, where the first few have none."""
    first = fields.size("first_k_dense_replace", least=0)
    return lambda layer: layer >= first


def sparse_by_list(fields: Fields) -> Callable[[int], bool]:
    """Return a test for the layers with experts, where a field lists them."""
    kinds = fields.per_layer("mlp_layer_types", "dense", "sparse")
    return lambda layer: kinds[layer] == "sparse"


def feed_forwards(
    fields: Fields,
    sparse: Callable[[int], bool],
    routing: Mapping[str, Any],
    *,
    bias: bool = False,
) -> list[FeedForward]:
    """Return each layer's MLP, or its routed and shared experts.

    Args:
        sparse: whether a layer has experts.
        bias: whether MLP and shared experts have biases.
    """

    def part(layer: int) -> FeedForward:
        if not sparse(layer):
            return gated_mlp(fields, bias=bias)
        inner = fields.size("moe_intermediate_size")
        together = inner * fields.size("n_shared_experts")
        shared = gated_mlp(fields, inner=together, bias=bias)
        return moe_parts.moe(fields, inner, count="n_routed_experts", shared=shared, **routing)

    return [part(layer) for layer in range(fields.layers)]


def _partly_rotated(fields: Fields, parts: list[FeedForward], **options: Any) -> Decoder:
    fields.no_window()
    options |= {"biases": "attention_bias", "out_bias": False, "rope_partly": True}
    block = attention(fields, **options)
    return decoder(fields, [(block, part) for part in parts])


ROUTED: dict[str, Family] = {"dots1": dots1, "glm4_moe": glm4_moe, "solar_open": solar_open}
