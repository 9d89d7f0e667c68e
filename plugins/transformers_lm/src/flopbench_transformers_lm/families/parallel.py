"""Decoders whose attention and feed-forward part may read the same input, as in GPT-J."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import Decoder, NormSpec
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    LAYER_NORM,
    Family,
    attention,
    by_window,
    decoder,
    equal_heads,
    gated_mlp,
    mlp,
)

_CODEGEN_PARTS = 4
"""CodeGen's weights are laid out for this many processors, each with its share of the heads."""

COHERE_NORM = NormSpec("layer_norm", parameters=1)


def gptj(config: LmConfig) -> Decoder:
    """GPT-J (github.com/kingoflolz/mesh-transformer-jax); CodeGen (arXiv:2203.13474) is alike.

    The angles are looked up in a table that is built with the model.
    """
    fields, fused = Fields(config), config.model_type == "codegen"
    if fused and fields.heads % _CODEGEN_PARTS:
        raise fields.refused("num_attention_heads", f"multiples of {_CODEGEN_PARTS}")
    head_dim = fields.shared_head_dim
    rope_dim = fields.size("rotary_dim", head_dim)
    if rope_dim % 2 or rope_dim > head_dim:
        raise fields.refused("rotary_dim", f"even numbers up to {head_dim}")
    usual = equal_heads(fields, rope_dim=rope_dim, fused=fused)
    inner = fields.size("n_inner", 4 * fields.width)
    part = mlp(fields, inner, "activation_function", bias=True)
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=LAYER_NORM,
        around={"norms": 1, "parallel": True},
        head={"bias": True},
        angles=(),  # looked up
    )


def gpt_neox(config: LmConfig) -> Decoder:
    """GPT-NeoX (arXiv:2204.06745) and Pythia: a quarter of each head is rotated."""
    fields = Fields(config)
    bias = fields.flag("attention_bias", default=True)
    biases = {"qkv_bias": bias, "out_bias": bias}
    usual = equal_heads(fields, fused=True, rope_partly=True, **biases)
    part = mlp(fields, fields.size("intermediate_size"), bias=True)
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=LAYER_NORM,
        around={"parallel": fields.flag("use_parallel_residual", default=True)},
    )


def phi(config: LmConfig) -> Decoder:
    """Phi-1.5 and Phi-2 (arXiv:2309.05463): one norm for both parts, biases everywhere."""
    fields = Fields(config)
    norm = LAYER_NORM if fields.flag("qk_layernorm") else None
    usual = attention(fields, qkv_bias=True, out_bias=True, qk_norm=norm, rope_partly=True)
    part = mlp(fields, fields.size("intermediate_size"), bias=True)
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=LAYER_NORM,
        around={"norms": 1, "parallel": True},
        head={"bias": True},
    )


def falcon(config: LmConfig) -> Decoder:
    """Falcon (arXiv:2311.16867): one key and value head for all, or a few of them.

    With ``new_decoder_architecture`` transformers caches keys and values once per query head;
    the KV cache is priced with the distinct heads.
    """
    fields = Fields(config)
    new, parallel = fields.flag("new_decoder_architecture"), fields.flag("parallel_attn")
    norms = fields.size("num_ln_in_parallel_attn", 2 if new else 1)
    if new:
        fields.expect(parallel_attn=True)
    if not (1 <= norms <= (2 if new else 1)):
        raise fields.refused("num_ln_in_parallel_attn", value=norms)
    grouped = new or not fields.flag("multi_query")
    kv_heads = fields.kv_heads_of("num_kv_heads") if grouped else 1
    if grouped and not new and kv_heads != fields.heads:
        raise fields.refused("num_kv_heads")
    alibi, bias = fields.flag("alibi"), fields.flag("bias")
    rope_dim = fields.rope_dim(fields.shared_head_dim)
    usual = attention(
        fields,
        head_dim=fields.shared_head_dim,
        kv_heads=kv_heads,
        fused=True,
        qkv_bias=bias,
        out_bias=bias,
        bias="ALiBi as a tensor" if alibi else None,
        rope_dim=0 if alibi else rope_dim,
        softmax_dtype=None,
    )
    part = mlp(fields, fields.size("ffn_hidden_size"), "activation", bias=bias)
    return decoder(
        fields,
        [(usual, part)] * fields.layers,
        norm=LAYER_NORM,
        around={"norms": norms if parallel else 2, "parallel": parallel},
        angles=[rope_dim],  # computed even with ALiBi
    )


def cohere(config: LmConfig) -> Decoder:
    """Command R (docs.cohere.com): one norm for both gated parts, scaled logits."""
    fields = Fields(config)
    norm = COHERE_NORM if fields.flag("use_qk_norm") else None
    usual = attention(fields, biases="attention_bias", qk_norm=norm, qk_norm_over="each")
    return _cohere(fields, [(usual, gated_mlp(fields))] * fields.layers)


def cohere2(config: LmConfig) -> Decoder:
    """Command R7B and Command A (arXiv:2504.00698): sliding layers rotate, full layers do not."""
    fields = Fields(config)
    part = gated_mlp(fields)
    block = attention(fields, biases="attention_bias")
    layers = [
        (each if each.window else attrs.evolve(each, rope_dim=0), part)
        for each in by_window(fields, block)
    ]
    return _cohere(fields, layers, angles=[block.rope_dim])


def _cohere(fields: Fields, layers: list[tuple[Any, Any]], **options: Any) -> Decoder:
    return decoder(
        fields,
        layers,
        norm=COHERE_NORM,
        around={"norms": 1, "parallel": True},
        head={"scaled": True},
        **options,
    )


def stablelm(config: LmConfig) -> Decoder:
    """StableLM 2 (arXiv:2402.17834): a quarter of each head is rotated; layer norms."""
    fields = Fields(config)
    norm = None
    if fields.flag("qk_layernorm"):
        norm = NormSpec("layer_norm", parameters=1)
    usual = attention(
        fields,
        head_dim=fields.shared_head_dim,
        qkv_bias=fields.flag("use_qkv_bias"),
        qk_norm=norm,
        qk_norm_over="each",
        rope_partly=True,
    )
    parallel = fields.flag("use_parallel_residual")
    return decoder(
        fields,
        [(usual, gated_mlp(fields))] * fields.layers,
        norm=LAYER_NORM,
        around={"norms": 1 if parallel else 2, "parallel": parallel},
    )


PARALLEL: dict[str, Family] = {
    "codegen": gptj,
    "cohere": cohere,
    "cohere2": cohere2,
    "falcon": falcon,
    "gpt_neox": gpt_neox,
    "gptj": gptj,
    "phi": phi,
    "stablelm": stablelm,
}
