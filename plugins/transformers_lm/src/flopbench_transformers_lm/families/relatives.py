"""Relatives of dense families: the parts of these, put together in another way."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import Decoder
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.dense import granite, llama
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.latent import latent_attention
from flopbench_transformers_lm.families.moe import granitemoeshared
from flopbench_transformers_lm.families.parts import (
    LAYER_NORM,
    RMS,
    Family,
    attention,
    decoder,
    gated_mlp,
    groups,
    mlp,
)


def iquestcoder(config: LmConfig) -> Decoder:
    """IQuest-Coder (huggingface.co/IQuestLab): Llama's model."""
    return llama(config)


def internlm3(config: LmConfig) -> Decoder:
    """InternLM3 (github.com/InternLM/InternLM): Llama's model, with one flag for all biases."""
    return llama(config)


def hyperclovax(config: LmConfig) -> Decoder:
    """HyperCLOVA X SEED Think (arXiv:2506.22403): Granite with norms after the parts."""
    made = granite(config)
    if not Fields(config).flag("use_post_norm", default=True):
        return made
    return attrs.evolve(made, around=attrs.evolve(made.around, norms=4, posts=2))


def jais2(config: LmConfig) -> Decoder:
    """Jais 2 (huggingface.co/inceptionai): Llama with layer norms, and a plain squared ReLU."""
    fields = Fields(config)
    fields.no_window()
    part = mlp(fields, fields.size("intermediate_size"), bias=fields.flag("mlp_bias"))
    usual = attention(fields, biases="attention_bias")
    return decoder(fields, [(usual, part)] * fields.layers, norm=LAYER_NORM)


def bitnet(config: LmConfig) -> Decoder:
    """BitNet b1.58 2B4T (arXiv:2504.12285): norms before the last product of each part."""
    fields = Fields(config)
    fields.no_window()
    block = attention(fields, biases="attention_bias", out_norm=RMS)
    fields.one_of("head_dim", fields.shared_head_dim)  # the norm is as wide as the model
    part = gated_mlp(fields, norm=RMS)
    return decoder(fields, [(block, part)] * fields.layers)


def minicpm3(config: LmConfig) -> Decoder:
    """MiniCPM3 (arXiv:2404.06395): latent attention; scaled embeddings, additions and head."""
    fields = Fields(config)
    fields.no_window()
    part = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    scaled = {"scaled": True}
    return decoder(
        fields,
        [(latent_attention(fields), part)] * fields.layers,
        around=scaled,
        embeddings=scaled,
        head={"scaled_input": True},
    )


def granite_swa(config: LmConfig) -> Decoder:
    """Granite with windows (github.com/ibm-granite): sinks, and angles of each layer's own base."""
    return _with_sinks(granite(config), Fields(config))


def granitemoe_swa(config: LmConfig) -> Decoder:
    """Granite's experts with windows (github.com/ibm-granite): sinks, and angles as in that."""
    plain = {**config.values, "layer_types": None, "sliding_window": None}
    return _with_sinks(granitemoeshared(attrs.evolve(config, values=plain)), Fields(config))


def _with_sinks(made: Decoder, fields: Fields) -> Decoder:
    """Return Granite's layers with windows, sinks, and no rotation where the base is 0."""
    bases = fields.get("layer_rope_theta")
    if not isinstance(bases, list) or len(bases) != fields.layers:
        raise fields.refused("layer_rope_theta", f"lists of {fields.layers} numbers")
    usual: Any = made.groups[0]
    block = attrs.evolve(usual.attention, sinks=True)
    layers = [
        (
            attrs.evolve(block, window=window, **({} if base else {"rope_dim": 0})),
            usual.feed_forward,
        )
        for base, window in zip(bases, fields.windows(), strict=True)
    ]
    return attrs.evolve(made, groups=groups(layers), angles=made.angles * len({*bases} - {0}))


RELATIVES: dict[str, Family] = {
    "bitnet": bitnet,
    "granite_swa": granite_swa,
    "granitemoe_swa": granitemoe_swa,
    "hyperclovax": hyperclovax,
    "internlm3": internlm3,
    "iquestcoder": iquestcoder,
    "jais2": jais2,
    "minicpm3": minicpm3,
}
