"""Families whose layers differ in more than their window: rotation, heads, experts."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import AllExperts, Decoder, GatedMlp, Moe, NormSpec, Router, SelfAttention
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families import moe_parts
from flopbench_transformers_lm.families.dense import rotations
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.moe_parts import FeedForward, moe
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp
from flopbench_transformers_lm.families.routed import sigmoid, sparse_by_list

_L2 = NormSpec("rms_norm", parameters=0)


def llama4(config: LmConfig) -> Decoder:
    """Llama 4 (ai.meta.com/blog/llama-4-multimodal-intelligence): chunks; all experts run.

    Layers without rotation scale queries by their positions. Computing that scale is not priced.
    """
    fields = Fields(config)
    fields.size("attention_chunk_size", least=2)  # its mask is made even if no layer uses it
    windows = fields.windows("chunked_attention", "attention_chunk_size")
    block = attention(fields, biases="attention_bias", softmax_dtype=None)
    norm = _L2 if fields.flag("use_qk_norm") else None
    tuned = fields.flag("attn_temperature_tuning")
    rotated = fields.get("no_rope_layers")
    if not isinstance(rotated, list) or len(rotated) < fields.layers:
        raise fields.refused("no_rope_layers", f"lists of {fields.layers} values, each 0 or 1")

    def placed(rotates: object, window: int | None) -> SelfAttention:
        own: dict[str, Any] = {"window": window, "chunked": window is not None}
        own |= {"qk_norm": norm, "qk_norm_late": True} if rotates else {"rope_dim": 0}
        if tuned and not rotates:
            own["queries_scaled"] = "positions"
        return attrs.evolve(block, **own)

    blocks = map(placed, rotated, windows)
    made = decoder(fields, zip(blocks, _llama4_parts(fields), strict=True), angles=[block.rope_dim])
    return moe_parts.angles_per_pair(made)  # two elements are rotated as one complex number


def _llama4_parts(fields: Fields) -> list[FeedForward]:
    """Return each layer's MLP, or its experts: all of them run, and a shared one."""
    sparse, number = fields.get("moe_layers", []), fields.size("num_local_experts")
    chosen = fields.size("num_experts_per_tok", most=number)
    fields.expect(output_router_logits=False)
    dense = gated_mlp(fields, inner=fields.size("intermediate_size_mlp"))
    shared: GatedMlp = gated_mlp(fields)
    sizes: dict[str, Any] = {"width": fields.width, "experts": number}
    experts = Moe(
        router=Router(**sizes, per_token=chosen, scoring="sigmoid_late"),
        experts=AllExperts(
            **sizes, per_token=number, inner=shared.inner, activation=fields.activation()
        ),
        shared=shared,
    )
    return [experts if layer in sparse else dense for layer in range(fields.layers)]


def mimo_v2_flash(config: LmConfig) -> Decoder:
    """MiMo-V2-Flash (arXiv:2601.02780): sliding layers have twice the key heads, and sinks.

    Values are narrower than keys, and scaled.
    """
    fields = Fields(config)
    windows, head_dim = fields.windows(), fields.size("head_dim")
    full = attention(
        fields,
        biases="attention_bias",
        out_bias=False,
        head_dim=head_dim,
        value_dim=fields.size("v_head_dim"),
        values_scaled=True,
        rope_dim=fields.rope_dim(head_dim, partly=True, usual=0.334),
        softmax_dtype=None,
    )
    if any(windows) and fields.heads % (2 * fields.kv_heads):
        raise fields.refused("num_key_value_heads", f"divisors of half the {fields.heads} heads")
    sliding = attrs.evolve(full, kv_heads=2 * fields.kv_heads, sinks=True)
    blocks = [attrs.evolve(sliding, window=each) if each else full for each in windows]
    sparse, dense, scores = sparse_by_list(fields), gated_mlp(fields), sigmoid(fields)
    inner = fields.size("moe_intermediate_size")
    experts = moe(fields, inner, count="n_routed_experts", **scores)
    parts = [experts if sparse(layer) else dense for layer in range(fields.layers)]
    layers = zip(blocks, parts, strict=True)
    return decoder(fields, layers, angles=[full.rope_dim] * rotations(fields))


def hy_v3(config: LmConfig) -> Decoder:
    """Hy3 (huggingface.co/tencent/Hy3-preview): sigmoid scores; norms of query and key heads."""
    fields = Fields(config)
    fields.no_window()
    block = attention(fields, biases="attention_bias", qk_norm=RMS)
    bias, inner = fields.flag("mlp_bias"), fields.size("moe_intermediate_size")
    shared = gated_mlp(fields, inner=inner * fields.size("num_shared_experts"), bias=bias)
    scores: dict[str, Any] = {"scoring": "sigmoid", "corrected": True, "normalised": True}
    experts = moe(fields, inner, shared, scaled=True, **scores)
    sparse, dense = sparse_by_list(fields), gated_mlp(fields, bias=bias)
    parts = [experts if sparse(layer) else dense for layer in range(fields.layers)]
    return decoder(fields, [(block, part) for part in parts])


LAYERED: dict[str, Family] = {
    "hy_v3": hy_v3,
    "llama4_text": llama4,
    "mimo_v2_flash": mimo_v2_flash,
}
