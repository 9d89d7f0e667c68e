"""Families whose attention chooses its keys: DeepSeek Sparse Attention (arXiv:2512.02556)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from flopbench.blocks import Decoder, Indexer, LatentAttention
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.latent import latent_attention
from flopbench_transformers_lm.families.parts import Family, decoder
from flopbench_transformers_lm.families.routed import feed_forwards, sigmoid, sparse_by_list


def deepseek_v32(config: LmConfig) -> Decoder:
    """DeepSeek-V3.2 (arXiv:2512.02556): DeepSeek-V3 with an indexer in each layer."""
    fields = Fields(config)
    return _indexed(fields, ["full"] * fields.layers)


def glm_moe_dsa(config: LmConfig) -> Decoder:
    """GLM-5 (arXiv:2602.15763): DeepSeek-V3.2, where layers may share the choice of one before."""
    fields = Fields(config)
    kinds = fields.per_layer("indexer_types", "full", "shared")
    if kinds[0] != "full":
        raise fields.refused("indexer_types", "lists that begin with full")
    return _indexed(fields, kinds)


def _indexed(fields: Fields, kinds: Sequence[str]) -> Decoder:
    """Return the decoder whose layers have an indexer of their own (full), or none (shared)."""
    fields.per_layer("layer_types", "indexed_attention")
    shared = attrs.evolve(latent_attention(fields), chosen=fields.size("index_topk"))
    if shared.query_rank is None:
        raise fields.refused("q_lora_rank", "whole numbers of at least 1")
    full = attrs.evolve(shared, indexer=_indexer(fields, shared))
    blocks = [full if kind == "full" else shared for kind in kinds]
    parts = feed_forwards(fields, sparse_by_list(fields), sigmoid(fields))
    return decoder(fields, zip(blocks, parts, strict=True))


def _indexer(fields: Fields, attention: LatentAttention) -> Indexer:
    return Indexer(
        width=fields.width,
        query_rank=fields.size("q_lora_rank"),
        heads=fields.size("index_n_heads"),
        head_dim=fields.size("index_head_dim", least=fields.size("qk_rope_head_dim")),
        rope_dim=attention.rope_dim,
        chosen=fields.size("index_topk"),
    )


INDEXED: dict[str, Family] = {"deepseek_v32": deepseek_v32, "glm_moe_dsa": glm_moe_dsa}
