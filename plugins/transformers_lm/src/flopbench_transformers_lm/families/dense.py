"""Decoders with one feed-forward part per layer, as Llama has it (arXiv:2302.13971)."""

from __future__ import annotations

from flopbench.blocks import Decoder
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    Family,
    attention,
    by_window,
    decoder,
    gated_mlp,
)


def llama(config: LmConfig) -> Decoder:
    """Llama (arXiv:2302.13971, arXiv:2407.21783): grouped queries, SwiGLU, RMSNorm."""
    fields = Fields(config)
    bias = fields.flag("attention_bias")
    mlp = gated_mlp(fields, bias=fields.flag("mlp_bias"))
    usual = attention(fields, qkv_bias=bias, out_bias=bias)
    return decoder(fields, [(usual, mlp)] * fields.layers)


def mistral(config: LmConfig) -> Decoder:
    """Mistral (arXiv:2310.06825): Llama with a sliding window."""
    fields = Fields(config)
    mlp = gated_mlp(fields)
    return decoder(fields, [(each, mlp) for each in by_window(fields, attention(fields))])


DENSE: dict[str, Family] = {"llama": llama, "mistral": mistral}
