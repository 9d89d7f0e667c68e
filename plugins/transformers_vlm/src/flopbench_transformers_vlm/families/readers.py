"""Decoders that read an encoder's output: BART, mBART, TrOCR and Pix2Struct.

Sources: arXiv:1910.13461 (BART), arXiv:2001.08210 (mBART), arXiv:2109.10282 (TrOCR).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flopbench.blocks import (
    CrossAttention,
    Decoder,
    Embeddings,
    GatedMlp,
    Layers,
    LmHead,
    Mlp,
    RelativePositions,
    ResidualNorms,
    SelfAttention,
)
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields, NotCoveredError
from flopbench_transformers_lm.families.parts import LAYER_NORM, RMS

_RESERVED = 2
"""Entries of the tables of positions that are not positions."""


def _reader(
    fields: Fields,
    *,
    before: bool,
    attention: Mapping[str, Any],
    cross: Mapping[str, Any],
    embeddings: Mapping[str, Any],
) -> Decoder:
    """Return a decoder of BART's kind.

    Args:
        before: whether norms come before the parts, and one after all layers.
        attention, cross, embeddings: further options of its blocks.
    """
    width, heads = fields.size("d_model"), fields.size("decoder_attention_heads")
    if width % heads:
        raise fields.refused("d_model", f"multiples of the {heads} heads")
    sizes = heads_of(width, heads)
    own = SelfAttention(**sizes, kv_heads=heads, qkv_bias=True, out_bias=True, **attention)
    other = CrossAttention(**sizes, bias=True, out_bias=True, **cross)
    mlp = Mlp(
        width=width,
        inner=fields.size("decoder_ffn_dim"),
        activation=fields.activation("activation_function"),
        bias=True,
    )
    vocabulary = fields.vocabulary
    return Decoder(
        # The vectors are multiplied even if by 1.
        embeddings=Embeddings(vocabulary=vocabulary, width=width, scaled=True, **embeddings),
        groups=(Layers(fields.size("decoder_layers"), own, mlp, cross=other),),
        around=ResidualNorms(
            norm=LAYER_NORM, width=width, norms=3, after=not before, last=int(before)
        ),
        head=LmHead(vocabulary=vocabulary, width=width, tied=fields.tied),
    )


def heads_of(width: int, heads: int) -> dict[str, Any]:
    """Return sizes of attention; its probabilities have the type of its scores."""
    sizes = {"width": width, "heads": heads, "head_dim": width // heads}
    return sizes | {"softmax_dtype": None}


def positions_of(fields: Fields) -> int:
    """Return the entries of a table of positions."""
    return fields.size("max_position_embeddings") + _RESERVED


def bart(fields: Fields, *, before: bool = False) -> Decoder:
    """BART: a norm after each part."""
    embeddings = {"positions": positions_of(fields), "norm": LAYER_NORM}
    return _reader(fields, before=before, attention={}, cross={}, embeddings=embeddings)


def mbart(fields: Fields) -> Decoder:
    """mBART: a norm before each part, and one after all layers."""
    return bart(fields, before=True)


def trocr(fields: Fields) -> Decoder:
    """TrOCR: BART whose queries are scaled; positions may be sinusoids, the memory wider."""
    learned = fields.flag("use_learned_position_embeddings")
    normed = fields.flag("layernorm_embedding")
    return _reader(
        fields,
        before=False,
        attention={"queries_scaled": "constant", "scaled": None},
        cross={
            "queries_scaled": True,
            "scaled": None,
            "memory_width": fields.get("cross_attention_hidden_size"),
        },
        embeddings={
            "positions": positions_of(fields) if learned else 0,
            "sinusoids": not learned,
            "norm": LAYER_NORM if normed else None,
        },
    )


def pix2struct(fields: Fields) -> Decoder:
    """Pix2Struct: T5's decoder (arXiv:1910.10683), scores multiplied by 1, as transformers does.

    In the place of relative positions, which only the decoder's own tokens have, zeros and a mask
    are added to the scores of cross-attention.
    """
    width, heads = fields.width, fields.heads
    if heads * fields.size("d_kv") != width:
        raise fields.refused("d_kv", f"the width {width} divided by the {heads} heads")
    sizes = heads_of(width, heads)
    relative = RelativePositions(heads, fields.size("relative_attention_num_buckets"))
    own = SelfAttention(**sizes, kv_heads=heads, bias="relative positions")
    other = CrossAttention(**sizes, position_bias="zeros and a mask", biases=2)
    mlp = GatedMlp(
        width=width, inner=fields.size("d_ff"), activation=fields.activation("dense_act_fn")
    )
    return Decoder(
        embeddings=Embeddings(vocabulary=fields.vocabulary, width=width),
        groups=(Layers(fields.layers, own, mlp, cross=other),),
        around=ResidualNorms(norm=RMS, width=width, norms=3, last=1),
        head=LmHead(vocabulary=fields.vocabulary, width=width, tied=fields.tied),
        angles=(relative,),
    )


READERS: Mapping[str, Callable[[Fields], Decoder]] = {
    "bart": bart,
    "mbart": mbart,
    "pix2struct_text_model": pix2struct,
    "trocr": trocr,
}
"""Decoders by transformers' type."""


def decoder_of(config: LmConfig) -> Decoder:
    """Return the decoder that a config describes.

    Raises:
        NotCoveredError: there are no closed forms for its type, or for a value in it.
    """
    if config.model_type not in READERS:
        known = ", ".join(READERS)
        raise NotCoveredError(
            f"there are closed forms for decoders of type {known}, not {config.model_type!r}"
        )
    return READERS[config.model_type](Fields(config))
