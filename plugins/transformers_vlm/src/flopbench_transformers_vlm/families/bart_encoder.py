"""BART's encoder (arXiv:1910.13461), which reads the prompt and the image beside it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from flopbench import Op
from flopbench.blocks import (
    Embeddings,
    Encoder,
    EncoderAttention,
    EncoderLayers,
    Mlp,
    Pass,
    ResidualNorms,
    Segments,
    Site,
)
from flopbench.blocks.cross import MEMORY
from flopbench.ops import STREAM
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.readers import heads_of, positions_of


def bart_encoder(fields: Fields, run: Pass) -> Iterator[Op]:
    """Yield BART's encoder of the tokens of the memory; its token embeddings are the decoder's."""
    width, heads = fields.size("d_model"), fields.size("encoder_attention_heads")
    if width % heads:
        raise fields.refused("d_model", f"multiples of the {heads} heads")
    site, read = Site("encoder"), attrs.evolve(run, queries=run.memory, keys=run.memory)
    embeddings = Embeddings(
        vocabulary=fields.vocabulary,
        width=width,
        scaled=True,
        positions=positions_of(fields),
        norm=LAYER_NORM,
    )
    mlp = Mlp(
        width=width,
        inner=fields.size("encoder_ffn_dim"),
        activation=fields.activation("activation_function"),
        bias=True,
    )
    around = ResidualNorms(norm=LAYER_NORM, width=width, after=True)
    layers = Encoder(
        layers=fields.size("encoder_layers"),
        attention=EncoderAttention(**heads_of(width, heads)),
        rest=EncoderLayers(mlp=mlp, around=around),
        name="encoder",
    )
    for op in embeddings.ops(site.at("embed"), read):
        yield _as_memory(_shared(op) if op.role == "tokens" else op)
    for op in layers.ops(site, [Segments(run.batch, run.memory)]):
        yield _as_memory(op)


def _shared(op: Op) -> Op:
    """Return a look-up in the decoder's table of tokens."""
    return attrs.evolve(op, weights_shared=True, weights_of="decoder/embed/tokens")


def _as_memory(op: Op) -> Op:
    """Return an operation whose stream is the memory, not that of the decoder."""
    named = {STREAM: MEMORY}
    takes = tuple(named.get(each, each) for each in op.takes)
    return attrs.evolve(op, takes=takes, gives=named.get(op.gives, op.gives))
