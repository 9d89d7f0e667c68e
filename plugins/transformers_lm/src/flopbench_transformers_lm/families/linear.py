"""Families with linear attention, or short convolutions, in the place of attention."""

from __future__ import annotations

from typing import Any

from flopbench.blocks import Decoder, GatedConvolution
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.delta import DELTA
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp


def lfm2(config: LmConfig) -> Decoder:
    """LFM2 (arXiv:2511.23404): gated short convolutions in most layers, attention in others."""
    fields = Fields(config)
    part = gated_mlp(fields, inner=_lfm2_inner(fields), activation="silu")
    return _lfm2(fields, [part] * fields.layers)


def lfm2_moe(config: LmConfig) -> Decoder:
    """LFM2-8B-A1B (arXiv:2511.23404): LFM2 with routed experts in all layers but the first ones."""
    fields = Fields(config)
    dense = gated_mlp(fields, activation="silu")
    sparse = moe(
        fields,
        fields.size("moe_intermediate_size"),
        experts={"activation": "silu"},
        scoring="sigmoid",
        corrected=fields.flag("use_expert_bias"),
        normalised=fields.flag("norm_topk_prob"),
        scaled=True,
    )
    first = fields.size("num_dense_layers", least=0)
    return _lfm2(fields, [dense if i < first else sparse for i in range(fields.layers)])


def _lfm2(fields: Fields, parts: list[FeedForward]) -> Decoder:
    convolution = GatedConvolution(
        width=fields.width, kernel=fields.size("conv_L_cache"), bias=fields.flag("conv_bias")
    )
    mixers: dict[str, Any] = {
        "full_attention": attention(fields, qk_norm=RMS),
        "conv": convolution,
    }
    kinds = fields.per_layer("layer_types", *mixers)
    angles = [mixers["full_attention"].rope_dim]
    layers = zip((mixers[kind] for kind in kinds), parts, strict=True)
    return decoder(fields, layers, angles=angles)


def _lfm2_inner(fields: Fields) -> int:
    """Return the width of the MLP: two thirds of the field, in whole multiples."""
    inner = fields.size("intermediate_size")
    if not fields.flag("block_auto_adjust_ff_dim"):
        return inner
    inner = int(2 * inner / 3)
    factor = fields.get("block_ffn_dim_multiplier")
    if factor is None:
        return inner
    multiple = fields.size("block_multiple_of")
    return multiple * -(-int(factor * inner) // multiple)


LINEAR: dict[str, Family] = {**DELTA, "lfm2": lfm2, "lfm2_moe": lfm2_moe}
