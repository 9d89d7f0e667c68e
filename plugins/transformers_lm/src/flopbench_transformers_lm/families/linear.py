"""Families with linear attention, or short convolutions, in the place of attention."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import Decoder, GatedConvolution, LightningAttention, WeightedNorms
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.delta import DELTA
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp
from flopbench_transformers_lm.families.recurrent import RECURRENT


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


def minimax(config: LmConfig) -> Decoder:
    """MiniMax-01 (arXiv:2501.08313): lightning attention in most layers, experts in each.

    The norm of the residual takes its place.
    """
    fields = Fields(config)
    kinds = fields.per_layer("layer_types", "full_attention", "linear_attention")
    window = fields.get("sliding_window")
    # The mask hides what is outside of the window, but the cache keeps all.
    window = None if window is None else fields.size("sliding_window")
    block = attention(fields, window=window, evicts=False)
    lightning = LightningAttention(
        width=fields.width,
        heads=fields.heads,
        head_dim=fields.head_dim,
        block=fields.size("block_size"),
        activation=fields.activation(),
    )
    mixers = {"full_attention": block, "linear_attention": lightning}
    experts = moe(
        fields, fields.size("intermediate_size"), count="num_local_experts", normalised=True
    )
    made = decoder(fields, [(mixers[kind], experts) for kind in kinds], angles=[block.rope_dim])
    around = WeightedNorms(norm=RMS, width=fields.width, last=1)
    return attrs.evolve(made, around=around)


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


LINEAR: dict[str, Family] = {
    **DELTA,
    **RECURRENT,
    "lfm2": lfm2,
    "lfm2_moe": lfm2_moe,
    "minimax": minimax,
}
