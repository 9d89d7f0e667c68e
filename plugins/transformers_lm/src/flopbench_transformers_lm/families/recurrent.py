"""Families with a state per channel: RecurrentGemma and RWKV."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import (
    ChannelMix,
    Decoder,
    RecurrentBranch,
    RotaryAngles,
    RwkvLayers,
    TimeMix,
)
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import (
    LAYER_NORM,
    Family,
    attention,
    decoder,
    gated_mlp,
)


def recurrent_gemma(config: LmConfig) -> Decoder:
    """RecurrentGemma (arXiv:2404.07839): Griffin's recurrent block in two layers of three.

    The layers with attention compute the rotary angles, each for itself.
    """
    fields = Fields(config)
    function = fields.activation("hidden_activation")
    inner, heads = fields.size("lru_width"), fields.heads
    if inner % heads:
        raise fields.refused("lru_width", f"multiples of the {heads} heads")
    window = fields.size("attention_window_size", least=2)
    block = attention(fields, biases="attention_bias", rope_partly=True, window=window)
    mixers: dict[str, Any] = {
        "recurrent": RecurrentBranch(
            width=fields.width,
            inner=inner,
            heads=heads,
            kernel=fields.size("conv1d_width", least=2),
            activation=function,
        ),
        "attention": attrs.evolve(block, out_bias=True),
    }
    order = fields.get("block_types")
    if not isinstance(order, list) or not order or {*order} - {*mixers}:
        raise fields.refused("block_types", "lists of recurrent and attention")
    kinds = [order[layer % len(order)] for layer in range(fields.layers)]
    part = gated_mlp(
        fields, inner=fields.size("intermediate_size", least=2) // 2, activation=function, bias=True
    )
    rotating = kinds.count("attention")
    made = decoder(
        fields,
        [(mixers[kind], part) for kind in kinds],
        embeddings={"scaled": True},
        head={"softcap": True},
    )
    angles = (RotaryAngles(block.rope_dim, layers=rotating),) if rotating else ()
    return attrs.evolve(made, angles=angles)


def rwkv(config: LmConfig) -> Decoder:
    """RWKV-4 (arXiv:2305.13048): inputs mixed with those before, and no attention."""
    fields = Fields(config)
    width = fields.width
    fields.one_of("attention_hidden_size", width)  # the state has the model's width
    parts: tuple[TimeMix, Any] = (
        TimeMix(width=width, inner=width),
        ChannelMix(width=width, inner=fields.size("intermediate_size")),
    )
    every = fields.get("rescale_every")
    if type(every) is not int:
        raise fields.refused("rescale_every", "whole numbers")
    halved = [every > 0 and (layer + 1) % every == 0 for layer in range(fields.layers)]
    numbers = {half: tuple(i for i, h in enumerate(halved) if h == half) for half in (False, True)}
    groups = tuple(
        RwkvLayers(len(of), *parts, numbers=of, halved=half) for half, of in numbers.items() if of
    )
    made = decoder(fields, [], norm=LAYER_NORM, embeddings={"norm": LAYER_NORM})
    return attrs.evolve(made, groups=groups)


RECURRENT: dict[str, Family] = {"recurrent_gemma": recurrent_gemma, "rwkv": rwkv}
