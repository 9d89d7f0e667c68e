"""Attention and transformers of torch.nn."""

import torch
from torch import nn

from modules.zoo.specimen import Specimen, real

_SIZES = {"B": 3, "S": 5}
_TWO = {"B": 3, "S": 5, "T": 7}


def _attend(name, arguments, sizes=_TWO, **options):
    return Specimen(name, lambda: nn.MultiheadAttention(8, 2, **options), arguments, sizes)


def _self(B, S):
    x = real(B, S, 8)
    return x, x, x


def _cross(S, T, B):
    return real(S, B, 8), real(T, B, 8), real(T, B, 8)


def _causal(S):
    return nn.Transformer.generate_square_subsequent_mask(S)


def _encoder_layer(**options):
    return nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, **options)


def _decoder_layer(**options):
    return nn.TransformerDecoderLayer(8, 2, 12, batch_first=True, **options)


def _both(B, S, T):
    return real(B, S, 8), real(B, T, 8)


ATTENTION = [
    _attend("MultiheadAttention", _cross),
    _attend("MultiheadAttention self", _self, _SIZES, batch_first=True),
    _attend("MultiheadAttention no bias", _cross, bias=False),
    _attend("MultiheadAttention bias_kv", _cross, add_bias_kv=True, add_zero_attn=True),
    _attend(
        "MultiheadAttention kdim",
        lambda B, S, T: (real(S, B, 8), real(T, B, 6), real(T, B, 4)),
        kdim=6,
        vdim=4,
    ),
    _attend(
        "MultiheadAttention masked",
        lambda B, S: {
            **dict(zip(("query", "key", "value"), _self(B, S), strict=True)),
            "attn_mask": torch.ones(S, S).tril() == 0,
            "key_padding_mask": torch.zeros(B, S) == 1,
        },
        _SIZES,
        batch_first=True,
    ),
    _attend(
        "MultiheadAttention no weights",
        lambda B, S, T: {
            **dict(zip(("query", "key", "value"), _cross(S, T, B), strict=True)),
            "need_weights": False,
        },
    ),
    Specimen(
        "Transformer",
        lambda: nn.Transformer(8, 2, 2, 3, 12, batch_first=True),
        _both,
        _TWO,
    ),
    Specimen(
        "TransformerEncoder",
        lambda: nn.TransformerEncoder(_encoder_layer(), 2, enable_nested_tensor=False),
        lambda B, S: real(B, S, 8),
        _SIZES,
    ),
    Specimen(
        "TransformerEncoder causal",
        lambda: nn.TransformerEncoder(_encoder_layer(norm_first=True), 2, nn.LayerNorm(8)),
        lambda B, S: {"src": real(B, S, 8), "mask": _causal(S), "is_causal": True},
        _SIZES,
    ),
    Specimen(
        "TransformerEncoderLayer",
        lambda: _encoder_layer(activation="gelu", bias=False),
        lambda B, S: real(B, S, 8),
        _SIZES,
    ),
    Specimen(
        "TransformerEncoderLayer eval",
        lambda: _encoder_layer().eval(),
        lambda B, S: real(B, S, 8),
        _SIZES,
    ),
    Specimen("TransformerDecoder", lambda: nn.TransformerDecoder(_decoder_layer(), 2), _both, _TWO),
    Specimen(
        "TransformerDecoderLayer",
        lambda: _decoder_layer(norm_first=True),
        lambda B, S, T: {
            "tgt": real(B, S, 8),
            "memory": real(B, T, 8),
            "tgt_mask": _causal(S),
            "tgt_is_causal": True,
        },
        _TWO,
    ),
]
