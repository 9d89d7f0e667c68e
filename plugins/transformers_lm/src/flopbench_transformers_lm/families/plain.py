"""Decoders with a plain feed-forward part: up, activation, down, as in GPT-2."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import Decoder, NormSpec
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    LAYER_NORM,
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    equal_heads,
    mlp,
)


def _classic(fields: Fields, **options: Any) -> Any:
    """Return attention with equal heads and without rotation."""
    return equal_heads(fields, rope_dim=0, **options)


def gpt2(config: LmConfig) -> Decoder:
    """GPT-2 (Radford et al., 2019): learned positions, biases everywhere."""
    fields = Fields(config)
    fields.expect(reorder_and_upcast_attn=False)
    return _gpt(fields, softmax_dtype=None)


def gpt_bigcode(config: LmConfig) -> Decoder:
    """GPT-BigCode (arXiv:2301.03988): the queries may share one key and value head."""
    fields = Fields(config)
    return _gpt(fields, kv_heads=1 if fields.flag("multi_query") else fields.heads)


def _gpt(fields: Fields, **options: Any) -> Decoder:
    fields.expect(add_cross_attention=False)
    usual = _classic(fields, fused=True, qkv_bias=True, out_bias=True, **options)
    inner = fields.size("n_inner", 4 * fields.width)
    return _with_positions(fields, [(usual, mlp(fields, inner, "activation_function", bias=True))])


def _with_positions(fields: Fields, cycle: list[tuple[Any, Any]], offset: int = 0) -> Decoder:
    """Return a decoder with learned positions, whose layers repeat a cycle.

    Args:
        offset: number of entries in the table of positions that are not positions.
    """
    return decoder(
        fields,
        cycle * (fields.layers // len(cycle)),
        norm=LAYER_NORM,
        embeddings={"positions": fields.size("max_position_embeddings") + offset},
    )


def gpt_neo(config: LmConfig) -> Decoder:
    """GPT-Neo (github.com/EleutherAI/gpt-neo): some layers see a window, all cache all keys."""
    fields = Fields(config)
    usual = _classic(fields, out_bias=True, scaled=None)
    local = attrs.evolve(usual, window=fields.size("window_size"), evicts=False)
    kinds = {"global": usual, "local": local}
    found = fields.get("attention_layers")
    if len(found) != fields.layers or set(found) - set(kinds):
        raise fields.refused("attention_layers")
    part = mlp(
        fields,
        fields.size("intermediate_size", 4 * fields.width),
        "activation_function",
        bias=True,
    )
    return _with_positions(fields, [(kinds[kind], part) for kind in found])


def opt(config: LmConfig) -> Decoder:
    """OPT (arXiv:2205.01068): the scale multiplies the queries; two positions are reserved.

    transformers multiplies the scores as well, by 1.
    """
    fields = Fields(config)
    fields.expect(word_embed_proj_dim=fields.width)
    bias = fields.flag("enable_bias", default=True)
    usual = _classic(fields, qkv_bias=bias, out_bias=bias, queries_scaled="constant")
    part = mlp(fields, fields.size("ffn_dim"), "activation_function", bias=bias)
    affine = fields.flag("layer_norm_elementwise_affine", default=True)
    first = fields.flag("do_layer_norm_before", default=True)
    last = first and not fields.flag("_remove_final_layer_norm")
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=NormSpec("layer_norm", parameters=2 if affine else 0),
        around={"last": int(last), "after": not first},
        embeddings={"positions": fields.size("max_position_embeddings") + 2},
    )


def biogpt(config: LmConfig) -> Decoder:
    """BioGPT (arXiv:2210.10341): GPT-2 with scaled embeddings, even if only by 1."""
    fields = Fields(config)
    usual = _classic(fields, qkv_bias=True, out_bias=True, softmax_dtype=None)
    part = mlp(fields, fields.size("intermediate_size"), bias=True)
    made = _with_positions(fields, [(usual, part)], offset=2)
    return attrs.evolve(made, embeddings=attrs.evolve(made.embeddings, scaled=True))


def bloom(config: LmConfig) -> Decoder:
    """BLOOM (arXiv:2211.05100): ALiBi, a norm of the embeddings; scale and bias in the product."""
    fields = Fields(config)
    usual = _classic(
        fields,
        fused=True,
        qkv_bias=True,
        out_bias=True,
        bias="ALiBi as a tensor",
        scaled=None,
    )
    part = mlp(fields, 4 * fields.width, activation="gelu_tanh", bias=True)
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=LAYER_NORM,
        embeddings={"norm": LAYER_NORM},
    )


def mpt(config: LmConfig) -> Decoder:
    """MPT (databricks.com/blog/mpt-7b): ALiBi, a mask that fills; no biases anywhere."""
    fields = Fields(config)
    usual = _classic(fields, fused=True, masked="filled", bias="ALiBi as a tensor")
    part = mlp(fields, 4 * fields.width, activation="gelu")
    return decoder(
        fields, [(usual, part)] * fields.layers, norm=NormSpec("layer_norm", parameters=1)
    )


def starcoder2(config: LmConfig) -> Decoder:
    """StarCoder 2 (arXiv:2402.19173): grouped queries, rotated, with biases; layers may slide."""
    fields = Fields(config)
    bias = fields.flag("use_bias", default=True)
    part = mlp(fields, fields.size("intermediate_size"), bias=bias)
    usual = by_window(fields, attention(fields, qkv_bias=bias, out_bias=bias))
    return decoder(fields, [(each, part) for each in usual], norm=LAYER_NORM)


def nemotron(config: LmConfig) -> Decoder:
    """Nemotron-4 (arXiv:2402.16819): squared ReLU, partial rotation, layer norms."""
    return _rotated(config, LAYER_NORM, rope_partly=True)


def arcee(config: LmConfig) -> Decoder:
    """Arcee AFM (arcee.ai/blog): Llama with a squared ReLU in place of a gate."""
    return _rotated(config, RMS)


def _rotated(config: LmConfig, norm: NormSpec, **options: Any) -> Decoder:
    fields = Fields(config)
    part = mlp(fields, fields.size("intermediate_size"), bias=fields.flag("mlp_bias"))
    usual = attention(fields, biases="attention_bias", **options)
    return decoder(fields, [(usual, part)] * fields.layers, norm=norm)


def nanochat(config: LmConfig) -> Decoder:
    """Nanochat (github.com/karpathy/nanochat): norms without weights, also after the embeddings."""
    fields = Fields(config)
    norm = NormSpec("rms_norm", parameters=0)
    usual = attention(fields, biases="attention_bias", qk_norm=norm)
    part = mlp(fields, fields.size("intermediate_size"))
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=norm,
        embeddings={"norm": norm},
        head={"softcap": fields.get("final_logit_softcapping") is not None},
    )


def persimmon(config: LmConfig) -> Decoder:
    """Persimmon (adept.ai/blog/persimmon-8b): squared ReLU, norms of query and key heads."""
    fields = Fields(config)
    norm = LAYER_NORM if fields.flag("qk_layernorm") else None
    biases = {"qkv_bias": True, "out_bias": True}
    usual = equal_heads(fields, fused=True, qk_norm=norm, rope_partly=True, **biases)
    part = mlp(fields, fields.size("intermediate_size"), bias=True)
    return decoder(fields, [(usual, part)] * fields.layers, norm=LAYER_NORM)


PLAIN: dict[str, Family] = {
    "arcee": arcee,
    "biogpt": biogpt,
    "bloom": bloom,
    "gpt2": gpt2,
    "gpt_bigcode": gpt_bigcode,
    "gpt_neo": gpt_neo,
    "mpt": mpt,
    "nanochat": nanochat,
    "nemotron": nemotron,
    "opt": opt,
    "persimmon": persimmon,
    "starcoder2": starcoder2,
}
