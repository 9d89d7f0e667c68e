"""Decoders with a gated feed-forward part after attention, as in Llama (arXiv:2302.13971)."""

from __future__ import annotations

import attrs

from flopbench.blocks import Decoder, NormSpec
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)


def llama(config: LmConfig) -> Decoder:
    """Llama (arXiv:2302.13971, arXiv:2407.21783): grouped queries, SwiGLU, RMSNorm."""
    fields = Fields(config)
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    usual = attention(fields, biases="attention_bias")
    return decoder(fields, [(usual, mlp)] * fields.layers)


def mistral(config: LmConfig) -> Decoder:
    """Mistral (arXiv:2310.06825): Llama with a sliding window, in Ministral only in some layers."""
    fields = Fields(config)
    mlp = gated_mlp(fields)
    # transformers does not run null, which is Ministral's default.
    usual = attention(fields, head_dim=fields.size("head_dim"))
    return decoder(fields, [(each, mlp) for each in by_window(fields, usual)])


def ministral3(config: LmConfig) -> Decoder:
    """Ministral 3 (mistral.ai/news/mistral-3): Mistral with queries scaled by their positions.

    Computing the scale from a position is not priced.
    """
    fields = Fields(config)
    mlp = gated_mlp(fields)
    usual = attention(fields, queries_scaled="positions")
    needed = ("llama_4_scaling_beta", "original_max_position_embeddings")
    if not all(isinstance(fields.get("rope_parameters").get(n), int | float) for n in needed):
        raise fields.refused("rope_parameters", f"numbers for {' and '.join(needed)}")
    return decoder(fields, [(each, mlp) for each in by_window(fields, usual)])


def cwm(config: LmConfig) -> Decoder:
    """CWM (arXiv:2510.02387): Llama with a sliding window in most layers."""
    fields = Fields(config)
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    return decoder(fields, [(each, mlp) for each in by_window(fields, attention(fields))])


def qwen2(config: LmConfig) -> Decoder:
    """Qwen2 (arXiv:2407.10671): biases in the projections to queries, keys and values."""
    fields = Fields(config)
    mlp = gated_mlp(fields)
    layers = by_window(fields, attention(fields, qkv_bias=True))
    return decoder(fields, [(each, mlp) for each in layers])


def qwen3(config: LmConfig) -> Decoder:
    """Qwen3 (arXiv:2505.09388): norms of each query and key head in place of biases."""
    fields = Fields(config)
    mlp = gated_mlp(fields)
    usual = attention(fields, biases="attention_bias", qk_norm=RMS)
    return decoder(fields, [(each, mlp) for each in by_window(fields, usual)])


def hunyuan(config: LmConfig) -> Decoder:
    """Hunyuan dense (github.com/Tencent-Hunyuan): Llama with norms of query and key heads."""
    fields = Fields(config)
    head_dim = fields.size("head_dim")  # transformers does not run null, the default
    usual = attention(fields, head_dim=head_dim, biases="attention_bias", qk_norm=RMS)
    return decoder(fields, [(usual, gated_mlp(fields))] * fields.layers)


def phi3(config: LmConfig) -> Decoder:
    """Phi-3 (arXiv:2404.14219): one product for queries, keys and values, one for gate and up."""
    fields = Fields(config)
    mlp = gated_mlp(fields, fused=True)
    layers = by_window(fields, attention(fields, fused=True, rope_partly=True))
    return decoder(fields, [(each, mlp) for each in layers])


def olmo(config: LmConfig) -> Decoder:
    """OLMo (arXiv:2402.00838): layer norms without weights."""
    fields = Fields(config)
    usual = attention(fields, biases="attention_bias")
    layers = [(usual, gated_mlp(fields))] * fields.layers
    return decoder(fields, layers, norm=NormSpec("layer_norm", parameters=0))


def olmo2(config: LmConfig) -> Decoder:
    """OLMo 2 (arXiv:2501.00656): norms after the parts, and of all queries and keys at once.

    OLMo 3 has a sliding window in most layers, and separate rotary angles per kind of layer.
    """
    fields = Fields(config)
    usual = attention(fields, biases="attention_bias", qk_norm=RMS, qk_norm_over="all")
    mlp = gated_mlp(fields)
    layers = [(each, mlp) for each in by_window(fields, usual)]
    return decoder(fields, layers, around={"posts": 2}, angles=[usual.rope_dim] * rotations(fields))


def rotations(fields: Fields) -> int:
    """Return the number of kinds of layers if each has its own rotary parameters, else 1."""
    nested = any(isinstance(each, dict) for each in fields.get("rope_parameters", {}).values())
    return len(set(fields.get("layer_types", []))) if nested else 1


def glm(config: LmConfig) -> Decoder:
    """GLM-4 (arXiv:2406.12793): half of each head is rotated; gate and up are one product."""
    fields = Fields(config)
    usual = attention(fields, qkv_bias=fields.flag("attention_bias"), rope_partly=True)
    return decoder(fields, [(usual, gated_mlp(fields, fused=True))] * fields.layers)


def glm4(config: LmConfig) -> Decoder:
    """GLM-4-0414 (github.com/zai-org/GLM-4): GLM with norms before and after each part."""
    made = glm(config)
    return attrs.evolve(made, around=attrs.evolve(made.around, norms=4, posts=2))


def granite(config: LmConfig) -> Decoder:
    """Granite 3 (github.com/ibm-granite): Llama with multiplied embeddings, residuals, logits."""
    fields = Fields(config)
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    usual = attention(fields, biases="attention_bias")
    return decoder(
        fields,
        [(usual, mlp)] * fields.layers,
        around={"scaled": True},
        embeddings={"scaled": True},
        head={"scaled": True},
    )


def smollm3(config: LmConfig) -> Decoder:
    """SmolLM3 (huggingface.co/blog/smollm3): Llama without rotation in every fourth layer."""
    fields = Fields(config)
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    block = attention(fields, biases="attention_bias")
    usual = by_window(fields, block)
    rotated = fields.get("no_rope_layers", [1] * fields.layers)
    if len(rotated) != fields.layers:
        raise fields.refused("no_rope_layers", f"lists of {fields.layers} values, each 0 or 1")
    layers = [
        (each if rotates else attrs.evolve(each, rope_dim=0), mlp)
        for each, rotates in zip(usual, rotated, strict=True)
    ]
    return decoder(fields, layers, angles=[block.rope_dim])


def exaone4(config: LmConfig) -> Decoder:
    """EXAONE 4.0 (arXiv:2507.11407): norms after the parts; if layers slide, only they rotate."""
    fields = Fields(config)
    mlp = gated_mlp(fields)
    block = attention(fields, qk_norm=RMS)
    everywhere = fields.get("sliding_window") is None
    layers = [
        (each if everywhere or each.window else attrs.evolve(each, rope_dim=0), mlp)
        for each in by_window(fields, block)
    ]
    return decoder(fields, layers, around={"posts": 2}, angles=[block.rope_dim])


def helium(config: LmConfig) -> Decoder:
    """Helium (kyutai.org): Llama without a bias in the output projection."""
    fields = Fields(config)
    usual = attention(fields, qkv_bias=fields.flag("attention_bias"))
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    return decoder(fields, [(usual, mlp)] * fields.layers)


def ernie(config: LmConfig) -> Decoder:
    """ERNIE 4.5 (github.com/PaddlePaddle/ERNIE): Llama with one flag for all biases."""
    fields = Fields(config)
    bias = fields.flag("use_bias")
    usual = attention(fields, qkv_bias=bias, out_bias=bias)
    return decoder(fields, [(usual, gated_mlp(fields, bias=bias))] * fields.layers)


def seed_oss(config: LmConfig) -> Decoder:
    """Seed-OSS (github.com/ByteDance-Seed/seed-oss): Llama with a flag for each bias."""
    fields = Fields(config)
    usual = attention(
        fields,
        qkv_bias=fields.flag("attention_bias"),
        out_bias=fields.flag("attention_out_bias"),
    )
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    return decoder(fields, [(usual, mlp)] * fields.layers)


DENSE: dict[str, Family] = {
    "cwm": cwm,
    "ernie4_5": ernie,
    "exaone4": exaone4,
    "glm": glm,
    "glm4": glm4,
    "granite": granite,
    "helium": helium,
    "hunyuan_v1_dense": hunyuan,
    "llama": llama,
    "ministral": mistral,
    "ministral3": ministral3,
    "mistral": mistral,
    "olmo": olmo,
    "olmo2": olmo2,
    "olmo3": olmo2,
    "phi3": phi3,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "seed_oss": seed_oss,
    "smollm3": smollm3,
}
