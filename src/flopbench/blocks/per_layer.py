"""Embeddings of tokens for each layer, and the part of a layer that they enter.

Source: Gemma 3n and Gemma 4 (ai.google.dev/gemma/docs/gemma-3n, "PLE caching").
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.decoder import Layers
from flopbench.blocks.ends import Embeddings
from flopbench.blocks.linear import NormSpec, Part, ResidualNorms
from flopbench.blocks.passes import Pass
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import STREAM, Elementwise, Embedding, Linear, Op

PER_LAYER = "inputs of layers"
"""The value that is made of tokens for all layers at once."""


@frozen(kw_only=True)
class PerLayerEmbeddings(Embeddings):
    """Embeddings, and besides them a shorter vector of each token for each layer.

    That is the mean, times a constant, of one that is looked up and one projected from the
    embedding.

    Attributes:
        entries: entries of the table of vectors for layers.
        short: width of a vector for a layer.
        layers: how many layers there are.
    """

    entries: Dim
    short: Dim
    layers: Dim
    short_norm: NormSpec = NormSpec("rms_norm")

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the look-ups, the projection, its norm and the mean."""
        yield from super().ops(site, run)
        every, tokens = self.layers * self.short, run.tokens
        elements, beside = tokens * every, site.with_alive(tokens * self.width)
        looked_up = beside.between("tokens", "looked up")
        yield looked_up.op(
            Embedding, role="per_layer", tokens=tokens, width=every, entries=self.entries
        )
        scaled = beside.between("looked up", "looked up")
        yield scaled.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield (
            beside.with_alive(elements)
            .between(STREAM, PER_LAYER)
            .op(
                Linear,
                role="per_layer_model",
                rows=tokens,
                in_features=self.width,
                out_features=every,
            )
        )
        inside = beside.with_alive(elements).between(PER_LAYER, PER_LAYER)
        yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield self.short_norm.op(inside, tokens * self.layers, self.short)
        mean = beside.between(PER_LAYER, PER_LAYER)
        yield mean.op(Elementwise, function="add", outputs=elements, takes=(PER_LAYER, "looked up"))
        yield mean.op(Elementwise, function="multiply", outputs=elements, reads=elements)


@frozen(kw_only=True)
class PerLayerPart:
    """project(activation(gate(x)) * the layer's vector of each token)."""

    width: Dim
    short: Dim
    activation: str

    def ops(self, site: Site, tokens: Dim) -> Iterator[Op]:
        """Yield both products and what is between them."""
        gated, inner = site.between("gated", "gated"), tokens * self.short
        yield site.between(site.takes, "gated").op(
            Linear,
            role="per_layer_input_gate",
            rows=tokens,
            in_features=self.width,
            out_features=self.short,
        )
        yield gated.op(Elementwise, function=self.activation, outputs=inner)
        yield gated.op(Elementwise, function="multiply", outputs=inner, takes=("gated", PER_LAYER))
        yield site.between("gated", site.gives).op(
            Linear,
            role="per_layer_projection",
            rows=tokens,
            in_features=self.short,
            out_features=self.width,
        )


@frozen
class PerLayerLayers(Layers):
    """Layers with a third part, if any, and a constant that the residual is multiplied by."""

    third: PerLayerPart | None = attrs.field(default=None, kw_only=True)

    def ops(self, site: Site, run: Pass, around: ResidualNorms) -> Iterator[Op]:
        """Yield the operations of a pass through the layers."""
        yield from super().ops(site, run, around)
        rows = self.rows(run)
        elements = rows * around.width
        yield site.at("norm").op(
            Elementwise, function="multiply", outputs=elements, reads=elements + 1
        )

    def _parts(self, site: Site, run: Pass) -> Iterator[Part]:
        yield from super()._parts(site, run)
        third = self.third
        if third is not None:
            there = site.at("per_layer")
            yield lambda takes, gives: third.ops(there.between(takes, gives), run.tokens)
