"""Gemma 3n: streams beside the residual, a low-rank residual, vectors of tokens, shared keys."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.blocks import (
    AltUpEmbeddings,
    AltUpLayers,
    AltUpNorms,
    Decoder,
    NormSpec,
    PerLayerPart,
)
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


def gemma3n(config: LmConfig) -> Decoder:
    """Gemma 3n (ai.google.dev/gemma/docs/gemma-3n): four streams, of which layers work on one."""
    fields = Fields(config)
    kinds = fields.per_layer("layer_types", "full_attention", "sliding_attention")
    first_shared = fields.layers - fields.size("num_kv_shared_layers", least=0)
    if first_shared < fields.layers and {*kinds[: max(first_shared, 0)]} != {*kinds}:
        raise fields.refused("num_kv_shared_layers", "numbers that leave a layer of each kind")
    unweighted = NormSpec("rms_norm", parameters=0)
    usual = attention(fields, biases="attention_bias", qk_norm=RMS, value_norm=unweighted)
    blocks = [
        block if number < first_shared else attrs.evolve(block, keys_from="earlier")
        for number, block in enumerate(by_window(fields, usual))
    ]
    activation = fields.activation("hidden_activation")
    widths, sparsity = (
        _each(fields, n) for n in ("intermediate_size", "activation_sparsity_pattern")
    )
    parts = [
        gated_mlp(fields, inner=inner, activation=activation, cutoff=part > 0)
        for inner, part in zip(widths, sparsity, strict=True)
    ]
    count, short = fields.size("altup_num_inputs"), fields.size("hidden_size_per_layer_input")
    made = decoder(
        fields,
        zip(blocks, parts, strict=True),
        head={"softcap": fields.get("final_logit_softcapping") is not None},
        angles=[usual.rope_dim] * rotations(fields),
    )
    layers: dict[str, Any] = {
        "streams": count,
        "rank": fields.size("laurel_rank"),
        "third": PerLayerPart(width=fields.width, short=short, activation=activation),
        "scaled": fields.flag("altup_correct_scale"),
    }
    return attrs.evolve(
        made,
        groups=tuple(
            AltUpLayers(g.count, g.attention, g.feed_forward, numbers=g.numbers, **layers)
            for g in made.groups
        ),
        around=AltUpNorms(norm=RMS, width=fields.width, last=1, streams=count),
        embeddings=AltUpEmbeddings(
            vocabulary=fields.vocabulary,
            width=fields.width,
            scaled=True,
            entries=fields.size("vocab_size_per_layer_input"),
            short=short,
            layers=fields.layers,
            streams=count,
        ),
    )


def _each(fields: Fields, name: str) -> list[Any]:
    """Return a field that lists a number for each layer."""
    found = fields.get(name)
    numbers = isinstance(found, list) and all(isinstance(n, int | float) for n in found)
    if not numbers or len(found) != fields.layers:
        raise fields.refused(name, f"lists of {fields.layers} numbers")
    return list(found)


GEMMA3N: dict[str, Family] = {"gemma3n_text": gemma3n}
