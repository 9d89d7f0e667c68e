"""Zamba's families: a transformer block that several layers share, in front of Mamba."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import AfterShared, Decoder, Mamba, Mamba2, ResidualNorms, SharedTransformer
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import mixers
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp


def zamba(config: LmConfig) -> Decoder:
    """Zamba (arXiv:2405.16712): Mamba in each layer, one transformer block in front of some.

    The block works on the residual and the embeddings; Mamba has several heads.
    """
    fields = Fields(config)
    inner, heads = fields.size("mamba_expand") * fields.width, fields.size("n_mamba_heads")
    if inner % heads:
        raise fields.refused("n_mamba_heads", f"divisors of the {inner} channels")
    mixer = mixers.mamba(
        fields,
        mixers.JAMBA,
        inner=inner,
        heads=heads,
        bias=fields.flag("mamba_proj_bias"),
        convolution_bias=fields.flag("mamba_conv_bias"),
        activation=fields.activation("hidden_mamba_act"),
    )
    fields.expect(attention_hidden_size=2 * fields.width)
    shared = SharedTransformer(
        width=fields.width, norm=RMS, attention=_attention(fields), mlp=gated_mlp(fields)
    )
    return _decoder(fields, mixer, shared, blocks=1)


def zamba2(config: LmConfig) -> Decoder:
    """Zamba 2 (arXiv:2411.15242): Mamba 2, several shared blocks in turn, adapters of each use.

    transformers shares blocks only if it shares the embeddings; otherwise each of its blocks holds
    the adapters of others, too.
    """
    fields = Fields(config)
    fields.expect(tie_word_embeddings=True)
    bias = fields.flag("add_bias_linear")
    mixer = mixers.mamba2(
        fields,
        mixers.ZAMBA2,
        inner=int(fields.get("mamba_expand") * fields.width),
        in_bias=bias,
        out_bias=bias,
        activation="silu",
    )
    rotated = fields.flag("use_mem_rope")
    head_dim = fields.size("attention_head_dim")
    adapted = fields.flag("use_shared_attention_adapter")
    if adapted:
        fields.expect(num_key_value_heads=fields.heads)
    shared = SharedTransformer(
        width=fields.width,
        norm=RMS,
        attention=_attention(fields, rope_dim=fields.rope_dim(head_dim) if rotated else 0),
        mlp=gated_mlp(fields, fused=True, bias=bias),
        adapter_rank=fields.size("adapter_rank"),
        adapts_attention=adapted,
    )
    return _decoder(fields, mixer, shared, blocks=fields.size("num_mem_blocks"))


def _attention(fields: Fields, rope_dim: int = 0) -> Any:
    """Return attention on the residual and the embeddings."""
    return attrs.evolve(
        attention(fields, head_dim=fields.size("attention_head_dim"), rope_dim=rope_dim),
        width=2 * fields.width,
        out_width=fields.width,
    )


def _decoder(
    fields: Fields, mixer: Mamba | Mamba2, shared: SharedTransformer, blocks: int
) -> Decoder:
    """Return a decoder with a shared transformer in front of its hybrid layers.

    transformers shares nothing if it does not share the embeddings.

    Args:
        blocks: shared transformers that take turns.
    """
    layers: list[tuple[Any, None]] = []
    uses = 0
    for kind in fields.per_layer("layers_block_type", "linear_attention", "hybrid"):
        part: Any = mixer
        if kind == "hybrid":
            transformer = attrs.evolve(shared, reused=fields.tied and uses >= blocks)
            part = AfterShared(width=fields.width, norm=RMS, transformer=transformer, mixer=mixer)
            uses += 1
        layers.append((part, None))
    rope_dim = shared.attention.rope_dim
    made = decoder(fields, layers, angles=[rope_dim] if rope_dim else [])
    bare = ResidualNorms(norm=RMS, width=fields.width, norms=0)
    return attrs.evolve(
        made,
        groups=tuple(
            attrs.evolve(group, around=bare) if isinstance(group.attention, AfterShared) else group
            for group in made.groups
        ),
    )


SHARED: dict[str, Family] = {"zamba": zamba, "zamba2": zamba2}
