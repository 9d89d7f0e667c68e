"""The Gemma models: wide heads, scaled embeddings, capped scores."""

from __future__ import annotations

from typing import Any

from flopbench.blocks import Decoder
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.dense import rotations
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    RMS,
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)


def _gemma(config: LmConfig, activation: str, norms: int, **options: Any) -> Decoder:
    fields = Fields(config)
    fields.expect(use_bidirectional_attention=False)
    mlp = gated_mlp(fields, activation=fields.activation(activation))
    softcap = fields.get("attn_logit_softcapping") is not None
    usual = attention(fields, biases="attention_bias", softcap=softcap, **options)
    return decoder(
        fields,
        [(each, mlp) for each in by_window(fields, usual)],
        around={"norms": norms, "posts": norms - 2},
        embeddings={"scaled": True},
        head={"softcap": fields.get("final_logit_softcapping") is not None},
        angles=[usual.rope_dim] * rotations(fields),
    )


def gemma(config: LmConfig) -> Decoder:
    """Gemma (arXiv:2403.08295): GeGLU, heads wider than the model's share."""
    return _gemma(config, "hidden_act", norms=2)


def gemma2(config: LmConfig) -> Decoder:
    """Gemma 2 (arXiv:2408.00118): every other layer slides, scores are capped, four norms."""
    return _gemma(config, "hidden_activation", norms=4)


def gemma3(config: LmConfig) -> Decoder:
    """Gemma 3 (arXiv:2503.19786): norms of query and key heads; five of six layers slide."""
    return _gemma(config, "hidden_activation", norms=4, qk_norm=RMS)


def vaultgemma(config: LmConfig) -> Decoder:
    """VaultGemma (arXiv:2510.15001): Gemma 2 without the norms after the parts."""
    return _gemma(config, "hidden_activation", norms=2)


GEMMA: dict[str, Family] = {
    "gemma": gemma,
    "gemma2": gemma2,
    "gemma3_text": gemma3,
    "vaultgemma": vaultgemma,
}
