"""Ordinary modules that flopbench and its peers count: the second table of docs/peer-counters.md.

Weights are random and on the CPU, where most people call a counter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from attrs import field, frozen
from torch import nn
from torch.nn import functional

BATCH, TOKENS, WIDTH, HEADS, HIDDEN = 2, 48, 64, 4, 32
STATES = BATCH * TOKENS * WIDTH
ATTENTION = STATES + BATCH * HEADS * TOKENS * TOKENS
"""The scaled queries, and the scores of a softmax."""

Built = tuple[Any, tuple[Any, ...], dict[str, Any]]
"""A module, and what it is called with."""


@frozen
class Specimen:
    """A module to count.

    Attributes:
        sizes: what it is called with, in words.
        build: makes the module and its arguments.
        more: elements of vector work that no op of their own shows, by kind.
        large: whether it takes seconds to run.
    """

    name: str
    sizes: str
    build: Callable[[], Built]
    more: Mapping[str, int] = field(factory=dict)
    large: bool = False


class Einsum(nn.Module):
    """Attention as two einsums."""

    def forward(self, q: Any, k: Any, v: Any) -> Any:
        """Attend."""
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k).softmax(-1)
        return torch.einsum("bhqk,bhkd->bhqd", scores, v)


class Sdpa(nn.Module):
    """Attention as torch's function."""

    def forward(self, q: Any, k: Any, v: Any) -> Any:
        """Attend."""
        return functional.scaled_dot_product_attention(q, k, v)


def _tokens() -> Any:
    return torch.randn(BATCH, TOKENS, WIDTH)


def _heads(module: type[nn.Module]) -> Callable[[], Built]:
    def build() -> Built:
        shape = (BATCH, HEADS, TOKENS, WIDTH // HEADS)
        return module(), tuple(torch.randn(shape) for _ in range(3)), {}

    return build


def _attention() -> Built:
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    mask = torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)
    return module, (_tokens(),) * 3, {"attn_mask": mask, "need_weights": False}


def _encoder() -> Built:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, batch_first=True)
    return nn.TransformerEncoder(layer, 2), (_tokens(),), {}


def _lstm() -> Built:
    sizes = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    return nn.LSTM(WIDTH, HIDDEN, **sizes), (_tokens(),), {}


def _gru() -> Built:
    return nn.GRU(WIDTH, HIDDEN, bidirectional=True, batch_first=True), (_tokens(),), {}


def _transposed() -> Built:
    module = nn.ConvTranspose2d(16, 32, 3, stride=2, padding=1, output_padding=1, groups=4)
    return module, (torch.randn(2, 16, 14, 14),), {}


def _bilinear() -> Built:
    return nn.Bilinear(24, 40, 16), (torch.randn(8, 24), torch.randn(8, 40)), {}


def _twice() -> Built:
    linear = nn.Linear(WIDTH, WIDTH)
    return nn.Sequential(linear, nn.ReLU(), linear), (torch.randn(8, WIDTH),), {}


def _bottleneck() -> Built:
    from transformers.models.resnet.modeling_resnet import ResNetBottleNeckLayer

    return ResNetBottleNeckLayer(64, 256), (torch.randn(1, 64, 56, 56),), {}


def _of_transformers(
    model: str, config: str, inputs: tuple[int, ...], settings: Mapping[str, Any], **call: Any
) -> Callable[[], Built]:
    """Return what builds a model; two or fewer sizes of inputs are those of token ids."""

    def build() -> Built:
        import transformers

        module = getattr(transformers, model)(getattr(transformers, config)(**settings), **call)
        ids = len(inputs) <= 2
        x = torch.zeros(inputs, dtype=torch.long) if ids else torch.randn(inputs)
        cached = {"use_cache": False} if model in _DECODERS else {}
        return module, (x,), cached

    return build


_DECODERS = frozenset({"GPT2LMHeadModel", "MixtralModel"})


def _whisper() -> Built:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    sizes = {"encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
    return WhisperEncoder(WhisperConfig(d_model=384, **sizes)), (torch.randn(1, 80, 3000),), {}


def _mixtral() -> Built:
    sizes = {"vocab_size": 128, "hidden_size": 256, "intermediate_size": 512}
    heads = {"num_attention_heads": 8, "num_key_value_heads": 2, "num_hidden_layers": 1}
    build = _of_transformers("MixtralModel", "MixtralConfig", (1, 64), sizes | heads)
    module, *rest = build()
    return module.to(torch.bfloat16), *rest


_ROWS = BATCH * TOKENS
_BARE = {"add_pooling_layer": False}
_SWIN = {"depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "embed_dim": 96}

SPECIMENS = (
    Specimen(
        "`nn.MultiheadAttention`, masked",
        "2 x 48 tokens of 64, 4 heads",
        _attention,
        {"linear bias": 3 * STATES, "attention": ATTENTION},
    ),
    Specimen(
        "`nn.TransformerEncoder`",
        "the same, 2 layers",
        _encoder,
        {"linear bias": 2 * 3 * STATES, "attention": 2 * ATTENTION},
    ),
    Specimen(
        "`nn.LSTM`, 2 layers, both ways",
        "2 x 48 tokens of 64, 32 hidden",
        _lstm,
        {"lstm": _ROWS * 2 * 2 * HIDDEN},
    ),
    Specimen("`nn.GRU`, both ways", "the same", _gru, {"gru": _ROWS * 2 * HIDDEN}),
    Specimen("`nn.ConvTranspose2d`, 4 groups", "2 x 16 x 14 x 14, stride 2", _transposed),
    Specimen("`nn.Bilinear`", "8 pairs of 24 and 40", _bilinear, {"linear bias": 8 * 16}),
    Specimen("attention as `torch.einsum`", "2 x 4 heads x 48 tokens x 16", _heads(Einsum)),
    Specimen("`scaled_dot_product_attention`", "the same", _heads(Sdpa)),
    Specimen("one `nn.Linear`, called twice", "8 x 64", _twice),
    Specimen("ResNet bottleneck", "64 x 56 x 56", _bottleneck),
    Specimen("Mixtral, one layer, bfloat16", "64 tokens of 256", _mixtral),
    Specimen(
        "ViT-B/16",
        "3 x 224 x 224",
        _of_transformers("ViTModel", "ViTConfig", (1, 3, 224, 224), {}, **_BARE),
        large=True,
    ),
    Specimen(
        "BERT-base",
        "128 tokens",
        _of_transformers("BertModel", "BertConfig", (1, 128), {}, **_BARE),
        large=True,
    ),
    Specimen(
        "Swin-T",
        "3 x 224 x 224",
        _of_transformers("SwinModel", "SwinConfig", (1, 3, 224, 224), _SWIN, **_BARE),
        large=True,
    ),
    Specimen(
        "T5-small's encoder",
        "128 tokens",
        _of_transformers("T5EncoderModel", "T5Config", (1, 128), {}),
        large=True,
    ),
    Specimen("Whisper-tiny's encoder", "80 x 3000", _whisper, large=True),
    Specimen(
        "GPT-2, head tied to its embedding",
        "64 tokens",
        _of_transformers("GPT2LMHeadModel", "GPT2Config", (1, 64), {}),
        large=True,
    ),
)
