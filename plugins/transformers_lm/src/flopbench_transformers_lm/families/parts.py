"""What the families share: groups of layers, ends and the usual attention of a config."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from flopbench.blocks import (
    Decoder,
    Embeddings,
    GatedMlp,
    Layers,
    LmHead,
    Mlp,
    NormSpec,
    ResidualNorms,
    RotaryAngles,
    SelfAttention,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields

Family = Callable[[LmConfig], Decoder]
"""A function that builds a decoder from a config, or raises `NotCoveredError`."""

RMS = NormSpec("rms_norm")
LAYER_NORM = NormSpec("layer_norm")


def groups(layers: Iterable[tuple[Any, Any]]) -> tuple[Layers, ...]:
    """Group equal layers, given as the attention and feed-forward part of each layer."""
    numbers: dict[tuple[Any, Any], list[int]] = {}
    for number, layer in enumerate(layers):
        numbers.setdefault(layer, []).append(number)
    return tuple(
        Layers(len(found), *parts, numbers=tuple(found)) for parts, found in numbers.items()
    )


def attention(
    fields: Fields, *, biases: str | None = None, rope_partly: bool = False, **options: Any
) -> SelfAttention:
    """Return attention as most configs describe it: grouped queries, rotated.

    Args:
        biases: the field that says whether all projections have a bias, if there is one.
        rope_partly: whether the family uses ``partial_rotary_factor``.
        options: fields of the block to set directly; they are not read from the config.
    """
    bias = biases is not None and fields.flag(biases)
    sizes: dict[str, Any] = {"width": fields.width, "heads": fields.heads}
    sizes |= {"qkv_bias": bias, "out_bias": bias}
    head_dim = options.get("head_dim")
    if head_dim is None:
        sizes["head_dim"] = head_dim = fields.head_dim
    if "kv_heads" not in options:
        sizes["kv_heads"] = fields.kv_heads
    if "rope_dim" not in options:
        sizes["rope_dim"] = fields.rope_dim(head_dim, partly=rope_partly)
    return SelfAttention(**(sizes | options))


def equal_heads(fields: Fields, **options: Any) -> SelfAttention:
    """Return attention whose heads split the model's width, with as many KV heads as heads."""
    return attention(
        fields, **({"head_dim": fields.shared_head_dim, "kv_heads": fields.heads} | options)
    )


def by_window(fields: Fields, usual: SelfAttention) -> list[SelfAttention]:
    """Return the attention of each layer, with its window."""
    return [attrs.evolve(usual, window=window) for window in fields.windows()]


def gated_mlp(fields: Fields, **options: Any) -> GatedMlp:
    """Return the usual gated feed-forward part.

    Args:
        options: fields of the block to set directly; they are not read from the config.
    """
    if "inner" not in options:
        options["inner"] = fields.size("intermediate_size")
    if "activation" not in options:
        options["activation"] = fields.activation()
    return GatedMlp(width=fields.width, **options)


def mlp(
    fields: Fields,
    inner: int,
    activation_field: str = "hidden_act",
    *,
    activation: str | None = None,
    bias: bool = False,
) -> Mlp:
    """Return a plain feed-forward part; its activation is given, or the field's."""
    function = activation or fields.activation(activation_field)
    return Mlp(width=fields.width, inner=inner, activation=function, bias=bias)


def decoder(
    fields: Fields,
    layers: Iterable[tuple[Any, Any]],
    *,
    norm: NormSpec = RMS,
    around: dict[str, Any] | None = None,
    embeddings: dict[str, Any] | None = None,
    head: dict[str, Any] | None = None,
    angles: Iterable[Dim] | None = None,
) -> Decoder:
    """Return a decoder with the usual ends.

    Args:
        layers: attention and feed-forward part of each layer.
        around, embeddings, head: fields of `ResidualNorms`, `Embeddings` and `LmHead` that
            differ from the usual.
        angles: number of elements that each kind of rotary angles rotates; None means those of
            the layers. Most models compute the angles even if no layer uses them.
    """
    width, vocabulary = fields.width, fields.vocabulary
    made = groups(layers)
    if angles is None:
        angles = sorted({getattr(group.attention, "rope_dim", 0) for group in made} - {0})
    return Decoder(
        embeddings=Embeddings(vocabulary=vocabulary, width=width, **(embeddings or {})),
        angles=tuple(RotaryAngles(dim) for dim in angles),
        groups=made,
        around=ResidualNorms(norm=norm, width=width, **({"last": 1} | (around or {}))),
        head=LmHead(vocabulary=vocabulary, width=width, **({"tied": fields.tied} | (head or {}))),
    )
