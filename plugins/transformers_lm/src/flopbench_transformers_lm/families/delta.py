"""Families with the gated delta rule in most layers, and attention in the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from flopbench.blocks import AttentionBlock, Decoder, GatedDeltaNet, RotaryAngles, SelfAttention
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.latent import latent_attention
from flopbench_transformers_lm.families.moe import sparse_steps
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp
from flopbench_transformers_lm.families.routed import sigmoid, sparse_by_list

_KINDS = ("linear_attention", "full_attention")


def qwen3_next(config: LmConfig) -> Decoder:
    """Qwen3-Next (arXiv:2412.06464 for its linear attention): gated attention, a shared expert."""
    fields = Fields(config)
    parts = sparse_steps(fields, _shared(fields), shared_first=True)
    net = gated_delta_net(fields, ("qkvg", "ab"), roles=("in_qkvz", "in_ba"))
    return _mixed(fields, net, _gated_attention(fields), parts)


def qwen3_5_text(config: LmConfig) -> Decoder:
    """Qwen3.5: Qwen3-Next's layers with an MLP in each; positions in time, height and width."""
    fields = Fields(config)
    return _qwen3_5(fields, gated_mlp(fields))


def qwen3_5_moe_text(config: LmConfig) -> Decoder:
    """Qwen3.5's experts: Qwen3.5 with routed experts and a shared one in each layer."""
    fields = Fields(config)
    inner = fields.size("moe_intermediate_size")
    part = moe(fields, inner, _shared(fields), shared_first=True, normalised=True)
    return _qwen3_5(fields, attrs.evolve(part, shared_gate=True))


def olmo_hybrid(config: LmConfig) -> Decoder:
    """OLMo Hybrid: OLMo 2's layers with attention, the others with norms before their parts.

    Without a base frequency, nothing is rotated.
    """
    fields = Fields(config)
    rotated = fields.get("rope_parameters", {}).get("rope_theta") is not None
    options: dict[str, Any] = {} if rotated else {"rope_dim": 0}
    block = attention(fields, biases="attention_bias", qk_norm=RMS, qk_norm_over="all", **options)
    doubled = fields.flag("linear_allow_neg_eigval", default=True)
    net = gated_delta_net(fields, tuple("qkvabg"), doubled=doubled, out_role="o")
    made = _mixed(fields, net, block, [gated_mlp(fields)] * fields.layers)
    after = attrs.evolve(made.around, posts=2)
    groups = (
        attrs.evolve(group, around=after if group.attention == block else None)
        for group in made.groups
    )
    return attrs.evolve(made, groups=tuple(groups))


def kimi_linear(config: LmConfig) -> Decoder:
    """Kimi Linear (arXiv:2510.26692): a decay per channel; latent attention without rotation."""
    fields = Fields(config)
    heads, head_dim = fields.size("linear_num_heads"), fields.size("linear_head_dim")
    net = GatedDeltaNet(
        width=fields.width,
        heads=heads,
        key_heads=heads,
        key_dim=head_dim,
        value_dim=head_dim,
        kernel=fields.size("linear_conv_kernel_dim"),
        projections=tuple("qkvb"),
        out_role="o",
        rank=head_dim,
        activation=fields.activation(),
        gate="sigmoid",
    )
    latent = latent_attention(fields, rope_dim=fields.size("qk_rope_head_dim"), rotated=False)
    sparse = sparse_by_list(fields)
    inner = fields.size("moe_intermediate_size")
    shared = gated_mlp(fields, inner=inner * fields.size("n_shared_experts"))
    experts = moe(fields, inner, shared, count="num_local_experts", **sigmoid(fields))
    parts = [experts if sparse(layer) else gated_mlp(fields) for layer in range(fields.layers)]
    return _mixed(fields, net, latent, parts, head={"tied": False})  # whatever the field says


def gated_delta_net(
    fields: Fields, projections: tuple[str, ...], roles: tuple[str, ...] = (), **options: Any
) -> GatedDeltaNet:
    """Return linear attention as the fields ``linear_…`` describe it."""
    heads, key_heads = (fields.size(f"linear_num_{of}_heads") for of in ("value", "key"))
    if heads % key_heads:
        raise fields.refused("linear_num_key_heads", f"divisors of the {heads} value heads")
    return GatedDeltaNet(
        width=fields.width,
        heads=heads,
        key_heads=key_heads,
        key_dim=fields.size("linear_key_head_dim"),
        value_dim=fields.size("linear_value_head_dim"),
        kernel=fields.size("linear_conv_kernel_dim"),
        projections=projections,
        roles=roles,
        activation=fields.activation(),
        **options,
    )


def _gated_attention(fields: Fields, **options: Any) -> SelfAttention:
    """Return attention whose output is multiplied by a gate, and whose heads are normed."""
    return attention(
        fields, biases="attention_bias", rope_partly=True, qk_norm=RMS, gated=True, **options
    )


def _shared(fields: Fields) -> Any:
    return gated_mlp(fields, inner=fields.size("shared_expert_intermediate_size"))


def _qwen3_5(fields: Fields, part: FeedForward) -> Decoder:
    net = gated_delta_net(fields, ("qkv", "g", "b", "a"), roles=("in_qkv", "in_z", "in_b", "in_a"))
    block = _gated_attention(fields, rope_shared=False)
    made = _mixed(fields, net, block, [part] * fields.layers)
    return attrs.evolve(made, angles=(RotaryAngles(block.rope_dim, axes=3),))


def _mixed(
    fields: Fields,
    net: GatedDeltaNet,
    block: AttentionBlock,
    parts: Sequence[FeedForward],
    **options: Any,
) -> Decoder:
    """Return a decoder whose layers have linear attention or attention, as a field lists."""
    mixers = dict(zip(_KINDS, (net, block), strict=True))
    kinds = fields.per_layer("layer_types", *_KINDS)
    layers = zip((mixers[kind] for kind in kinds), parts, strict=True)
    rotated = block.rope_dim if isinstance(block, SelfAttention) else 0
    return decoder(fields, layers, angles=[rotated] if rotated else [], **options)


DELTA: dict[str, Family] = {
    "kimi_linear": kimi_linear,
    "olmo_hybrid": olmo_hybrid,
    "qwen3_5_moe_text": qwen3_5_moe_text,
    "qwen3_5_text": qwen3_5_text,
    "qwen3_next": qwen3_next,
}
