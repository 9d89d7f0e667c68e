"""Gemma 4: vectors of tokens for each layer, shared keys, layers with heads of their own width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.blocks import (
    Decoder,
    Experts,
    ExpertsBesideMlp,
    GatedMlp,
    NormSpec,
    PerLayerEmbeddings,
    PerLayerLayers,
    PerLayerPart,
    Router,
    SelfAttention,
)
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import RMS, Family, attention, decoder, gated_mlp

_UNWEIGHTED = NormSpec("rms_norm", parameters=0)
_FULL, _SLIDING = "full_attention", "sliding_attention"


def gemma4(config: LmConfig) -> Decoder:
    """Gemma 4 (ai.google.dev/gemma/docs/core): vectors of tokens for each layer, shared keys."""
    fields = Fields(config)
    fields.one_of(
        "use_bidirectional_attention", None, "vision"
    )  # of images, which text has none of
    kinds = fields.per_layer("layer_types", _FULL, _SLIDING)
    first_shared = fields.layers - fields.size("num_kv_shared_layers", 0, least=0)
    if first_shared < fields.layers and {*kinds[: max(first_shared, 0)]} != {*kinds}:
        raise fields.refused("num_kv_shared_layers", "numbers that leave a layer of each kind")
    blocks = _blocks(fields, kinds, first_shared)
    short = fields.size("hidden_size_per_layer_input", 0, least=0)
    layers = [
        (block, _feed_forward(fields, shared=number >= first_shared))
        for number, block in enumerate(blocks)
    ]
    angles = {kind: block.head_dim for kind, block in zip(kinds, blocks, strict=True)}
    made = decoder(
        fields,
        layers,
        around={"norms": 4, "posts": 2},
        embeddings={"scaled": True},
        head={"softcap": fields.get("final_logit_softcapping") is not None},
        angles=[angles[kind] for kind in sorted(angles)],
    )
    return _with_vectors(fields, made, short)


def _with_vectors(fields: Fields, made: Decoder, short: int) -> Decoder:
    """Return a decoder whose layers end with a vector of each token, if they have any width."""
    activation = fields.activation("hidden_activation")
    third = PerLayerPart(width=fields.width, short=short, activation=activation) if short else None
    groups = tuple(
        PerLayerLayers(
            group.count,
            group.attention,
            group.feed_forward,
            numbers=group.numbers,
            last_rows=getattr(group.attention, "keys_from", "") == "earlier",
            third=third,
        )
        for group in made.groups
    )
    if not short:
        return attrs.evolve(made, groups=groups)
    embeddings = PerLayerEmbeddings(
        vocabulary=fields.vocabulary,
        width=fields.width,
        scaled=True,
        entries=fields.size("vocab_size_per_layer_input"),
        short=short,
        layers=fields.layers,
    )
    return attrs.evolve(made, groups=groups, embeddings=embeddings)


def _blocks(fields: Fields, kinds: list[str], first_shared: int) -> list[SelfAttention]:
    """Return the attention of each layer; those from ``first_shared`` on have no keys."""
    windows, alike = fields.windows(), fields.flag("attention_k_eq_v")
    found = []
    for number, (kind, window) in enumerate(zip(kinds, windows, strict=True)):
        sizes = _of_layer(fields, number)
        kv_heads = sizes.kv_heads_of("num_key_value_heads")
        block = attention(
            sizes,
            biases="attention_bias",
            head_dim=sizes.size("head_dim"),
            kv_heads=kv_heads,
            rope_dim=_rope_dim(sizes, kind),
            qk_norm=RMS,
            value_norm=_UNWEIGHTED,
            window=window,
        )
        if number >= first_shared:
            block = attrs.evolve(block, keys_from="earlier")
        elif alike and kind == _FULL:
            block = attrs.evolve(block, keys_from="values_too")
        found.append(block)
    return found


def _of_layer(fields: Fields, number: int) -> Fields:
    """Return the fields of a layer, some of which it may have for itself.

    transformers writes the numbers of layers with zeros before them: ``05`` of 30.
    """
    own: Any = fields.get("per_layer_config", {})
    if isinstance(own, Mapping):
        is_own = (each for name, each in own.items() if str(name).zfill(9) == f"{number:09}")
        own = next(is_own, {})
    if not isinstance(own, Mapping) or {*own} - {"head_dim", "num_key_value_heads"}:
        raise fields.refused("per_layer_config", "head_dim and num_key_value_heads of layers")
    return Fields(attrs.evolve(fields.config, values={**fields.config.values, **own}))


def _rope_dim(fields: Fields, kind: str) -> int:
    """Return the rotated elements of a head: all of them, some by an angle of 0."""
    rope: Any = fields.get("rope_parameters", {}).get(kind)
    if not isinstance(rope, Mapping):
        raise fields.refused("rope_parameters", f"parameters for {kind}")
    if rope.get("rope_type") == "proportional":
        rope = {**rope, "rope_type": "default", "partial_rotary_factor": 1.0}
    if rope.get("rope_type") == "default":
        rope = {**rope, "partial_rotary_factor": 1.0}  # it is not heeded
    values = {**fields.config.values, "rope_parameters": rope}
    return Fields(attrs.evolve(fields.config, values=values)).rope_dim(fields.size("head_dim"))


def _feed_forward(fields: Fields, *, shared: bool) -> GatedMlp | ExpertsBesideMlp:
    """Return the MLP of a layer, ``shared`` if its keys are, or that and experts beside it."""
    activation = fields.activation("hidden_activation")
    wider = 2 if shared and fields.flag("use_double_wide_mlp") else 1
    inner = wider * fields.size("intermediate_size")
    mlp = gated_mlp(fields, inner=inner, activation=activation)
    if not fields.flag("enable_moe_block"):
        return mlp
    experts = fields.size("num_experts")
    sizes: dict[str, Any] = {
        "width": fields.width,
        "experts": experts,
        "per_token": fields.size("top_k_experts", most=experts),
    }
    return ExpertsBesideMlp(
        mlp=mlp,
        router=Router(**sizes, normalised=True),
        experts=Experts(**sizes, inner=fields.size("moe_intermediate_size"), activation=activation),
    )


GEMMA4: dict[str, Family] = {"gemma4_text": gemma4}
