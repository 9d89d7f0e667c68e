"""Families with state spaces in some layers, and attention in others or beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
from attrs import frozen

from flopbench.blocks import (
    Branch,
    Decoder,
    GatedMlp,
    LatentInput,
    Mamba2,
    Mlp,
    Moe,
    SideBySide,
)
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import mixers, moe_parts
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    RMS,
    Family,
    attention,
    decoder,
    gated_mlp,
    mlp,
)
from flopbench_transformers_lm.families.routed import sigmoid

_KINDS = ("linear_attention", "full_attention")


def bamba(config: LmConfig) -> Decoder:
    """Bamba (huggingface.co/blog/bamba): Mamba 2 in most layers, attention in some, and MLPs."""
    fields = Fields(config)
    usual = attention(fields, biases="attention_bias", rope_partly=True)
    kinds = dict(zip(_KINDS, (_mixer(fields), usual), strict=True))
    part = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    attends = fields.get("attn_layer_indices", [])
    layers = [(kinds[_KINDS[layer in attends]], part) for layer in range(fields.layers)]
    return decoder(fields, layers, angles=[usual.rope_dim])


@frozen(kw_only=True)
class _SharedMlp(GatedMlp):
    """A layer's shared experts, where there are no others."""

    component: ClassVar[str] = "moe/shared"


def granitemoehybrid(config: LmConfig) -> Decoder:
    """Granite 4.0 (ibm.com/granite): Mamba 2 in most layers, attention in some; shared experts.

    There may be routed ones, too; constants multiply embeddings, residual additions and logits.
    """
    fields = Fields(config)
    rotated = fields.get("position_embedding_type") == "rope"
    options: dict[str, Any] = {} if rotated else {"rope_dim": 0}
    usual = attention(fields, biases="attention_bias", **options)
    kinds = dict(zip(_KINDS, (_mixer(fields), usual), strict=True))
    part: Any = _SharedMlp(
        width=fields.width,
        inner=fields.size("shared_intermediate_size"),
        activation=fields.activation(),
        fused=True,
    )
    if fields.size("num_local_experts", least=0):
        inner = fields.size("intermediate_size")
        part = moe_parts.moe(fields, inner, part, count="num_local_experts", scoring="chosen")
    scaled = {"scaled": True}
    return decoder(
        fields,
        [(kinds[kind], part) for kind in fields.per_layer("layer_types", *_KINDS)],
        around=scaled,
        embeddings=scaled,
        head=scaled,
        angles=[usual.rope_dim] if rotated else [],
    )


def _mixer(fields: Fields, **options: Any) -> Mamba2:
    """Return the mixer of Bamba and Granite."""
    bias = fields.flag("mamba_proj_bias")
    return mixers.mamba2(
        fields,
        mixers.BAMBA,
        inner=int(fields.get("mamba_expand") * fields.width),
        in_bias=bias,
        out_bias=bias,
        convolution_bias=fields.flag("mamba_conv_bias"),
        **options,
    )


def falcon_h1(config: LmConfig) -> Decoder:
    """Falcon-H1 (arXiv:2507.22448): attention and Mamba 2 side by side in each layer, and an MLP.

    Constants multiply what goes into most parts, and what comes out.
    """
    fields = Fields(config)
    mixer = mixers.mamba2(
        fields,
        mixers.BAMBA,
        inner=fields.size("mamba_d_ssm", int(fields.get("mamba_expand") * fields.width)),
        in_bias=fields.flag("mamba_proj_bias"),
        out_bias=fields.flag("projectors_bias"),
        convolution_bias=fields.flag("mamba_conv_bias"),
        norm=RMS if fields.flag("mamba_rms_norm") else None,
        scaled=True,
    )
    usual = attention(fields, biases="attention_bias", keys_scaled=True)
    both = SideBySide(
        width=fields.width,
        branches=(
            Branch(mixer=mixer, scaled_after=True),
            Branch(mixer=usual, scaled_before=True, scaled_after=True),
        ),
    )
    part = gated_mlp(fields, bias=fields.flag("mlp_bias"), scaled=True)
    scaled, layers = {"scaled": True}, [(both, part)] * fields.layers
    return decoder(fields, layers, embeddings=scaled, head=scaled, angles=[usual.rope_dim])


def nemotron_h(config: LmConfig) -> Decoder:
    """Nemotron-H (arXiv:2504.03624): each layer is Mamba 2, attention, an MLP or experts alone.

    Experts may work on a narrower vector, which a product makes for all of them.
    """
    kinds = config.get("layer_types")
    fields = Fields(attrs.evolve(config, values={**config.values, "num_hidden_layers": len(kinds)}))
    found = fields.per_layer("layer_types", *_KINDS, "mlp", "moe")
    parts: dict[str, Callable[[Fields], Any]] = {
        "linear_attention": _nemotron_mixer,
        "mlp": _nemotron_mlp,
        "moe": _nemotron_experts,
    }
    made = {kind: part(fields) for kind, part in parts.items() if kind in found}
    usual = attention(fields, rope_dim=0)
    layers = [
        (None, made[kind]) if kind in {"mlp", "moe"} else (made.get(kind, usual), None)
        for kind in found
    ]
    # transformers never ties its head.
    return decoder(fields, layers, head={"tied": False})


def _nemotron_mixer(fields: Fields) -> Mamba2:
    bias = fields.flag("use_bias")
    return mixers.mamba2(
        fields,
        mixers.NEMOTRON,
        in_bias=bias,
        out_bias=bias,
        convolution_bias=fields.flag("use_conv_bias"),
        activation=fields.activation("mamba_hidden_act"),
    )


def _nemotron_mlp(fields: Fields, inner: str = "intermediate_size") -> Mlp:
    return mlp(fields, fields.size(inner), "mlp_hidden_act", bias=fields.flag("mlp_bias"))


def _nemotron_experts(fields: Fields) -> Moe:
    shared = _nemotron_mlp(fields, "moe_shared_expert_intermediate_size")
    own: dict[str, Any] = {"activation": shared.activation, "gated": False}
    latent = fields.get("moe_latent_size")
    if latent is not None:
        own["width"] = fields.size("moe_latent_size")
        latent = LatentInput(width=fields.width, latent=own["width"], bias=shared.bias)
    inner = fields.size("moe_intermediate_size")
    made = moe_parts.moe(
        fields, inner, shared, count="n_routed_experts", experts=own, **sigmoid(fields)
    )
    return attrs.evolve(made, latent=latent)


def jamba(config: LmConfig) -> Decoder:
    """Jamba (arXiv:2403.19887): Mamba in most layers, attention in some; experts in every other.

    Norms of steps, keys and queries; nothing is rotated.
    """
    fields = Fields(config)
    mixer = mixers.mamba(
        fields,
        mixers.JAMBA,
        inner=fields.size("mamba_expand") * fields.width,
        bias=fields.flag("mamba_proj_bias"),
        convolution_bias=fields.flag("mamba_conv_bias"),
        norm=RMS,
    )
    usual, dense = attention(fields, rope_dim=0), gated_mlp(fields)
    attends, sparse = _every(fields, "attn_layer"), _every(fields, "expert_layer")
    if fields.size("num_experts") > 1:
        experts: Any = moe_parts.moe(fields, fields.size("intermediate_size"))
    else:
        experts = dense
    return decoder(
        fields,
        [
            (usual if attends(layer) else mixer, experts if sparse(layer) else dense)
            for layer in range(fields.layers)
        ],
    )


def _every(fields: Fields, name: str) -> Any:
    """Return a test for the layers that a period and an offset choose."""
    period, offset = fields.size(f"{name}_period"), fields.size(f"{name}_offset", least=0)
    return lambda layer: layer % period == offset


HYBRID: dict[str, Family] = {
    "bamba": bamba,
    "falcon_h1": falcon_h1,
    "granitemoehybrid": granitemoehybrid,
    "jamba": jamba,
    "nemotron_h": nemotron_h,
}
