"""Alternating updates: a residual of several streams, of which each layer works on one.

Sources: AltUp, Baykal et al. (NeurIPS 2023); Gemma 3n (ai.google.dev/gemma/docs/gemma-3n), which
adds a low-rank residual (LAuReL, arXiv:2411.07501) and vectors of tokens for each layer.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench.blocks.decoder import Layers
from flopbench.blocks.linear import NormSpec, ResidualNorms
from flopbench.blocks.passes import Pass
from flopbench.blocks.per_layer import PerLayerEmbeddings, PerLayerPart
from flopbench.blocks.site import Site
from flopbench.dims import Dim
from flopbench.ops import STREAM, Elementwise, Linear, MatMul, Norm, Op

_PLACE = "decoder/altup"
_RMS = NormSpec("rms_norm")


def streams(site: Site, tokens: Dim, width: Dim, count: Dim, role: str) -> Iterator[Op]:
    """Yield the products that make streams of one, or bring them back, and their rescaling.

    Each is multiplied by the magnitude of the first and divided by its own. Computing magnitudes
    is not priced.
    """
    place = attrs.evolve(site, component=_PLACE, layers=(count - 1) * site.layers)
    elements = tokens * width
    yield place.op(Linear, role=role, rows=tokens, in_features=width, out_features=width)
    yield place.op(Elementwise, function="multiply", outputs=2 * elements, reads=2 * elements)


@frozen(kw_only=True)
class AltUpEmbeddings(PerLayerEmbeddings):
    """Embeddings, vectors for each layer, and the other streams, projected from the first."""

    streams: Dim

    def ops(self, site: Site, run: Pass) -> Iterator[Op]:
        """Yield the look-ups and the projections."""
        yield from super().ops(site, run)
        yield from streams(site, run.tokens, self.width, self.streams, "projections")


@frozen(kw_only=True)
class AltUpNorms(ResidualNorms):
    """The norms of a layer, and at the end the mean of all streams, projected back.

    Attributes:
        streams: how many there are.
    """

    streams: Dim

    def end(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the projections and the norm."""
        yield from streams(site, rows, self.width, self.streams, "unembed_projections")
        yield from super().end(site, rows)


@frozen
class AltUpLayers(Layers):
    """Layers that predict all streams, work on one of them, and correct all by the result.

    Attributes:
        streams: how many there are.
        rank: of the low-rank residual beside attention.
        third: what adds the layer's vector of each token to the other streams.
        scaled: whether what it takes is multiplied by a weight for each element.
    """

    streams: Dim = attrs.field(kw_only=True)
    rank: Dim = attrs.field(kw_only=True)
    third: PerLayerPart = attrs.field(kw_only=True)
    scaled: bool = attrs.field(default=True, kw_only=True)

    def ops(self, site: Site, run: Pass, around: ResidualNorms) -> Iterator[Op]:
        """Yield the operations of a pass through the layers."""
        tokens, width = run.tokens, around.width
        elements, every = tokens * width, self.streams * tokens * width
        within, place = site.with_alive(every), attrs.evolve(site, component=_PLACE)
        norm = site.at("norm").with_alive(every)
        yield from self._predict(place.with_alive(every), tokens, width)
        attend, feed = self._parts(within, run)
        yield _RMS.op(norm.between(STREAM, "normed"), tokens, width)
        yield from self._laurel(within.at("laurel"), tokens, width)
        yield from attend("normed", "attended")
        yield _RMS.op(norm.between("attended", "attended"), tokens, width)
        for part in ("attended", "laurel"):
            yield norm.op(Elementwise, function="add", outputs=elements, takes=(STREAM, part))
        yield norm.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        yield _RMS.op(norm.between(STREAM, "normed"), tokens, width)
        yield from feed("normed", "fed")
        yield _RMS.op(norm.between("fed", "fed"), tokens, width)
        yield norm.op(Elementwise, function="add", outputs=elements, takes=(STREAM, "fed"))
        yield from self._correct(place.with_alive(every), tokens, width)
        yield from self._third(site.with_alive(every), tokens, width)

    def _modalities(self, site: Site, tokens: Dim, width: Dim, *, again: bool) -> Iterator[Op]:
        """Yield the router of streams: a norm, a scale and a product; its tanh is not priced."""
        elements, inside = tokens * width, site.between("modalities", "modalities")
        norm: Norm = _RMS.op(site.between(STREAM, "modalities"), tokens, width)
        yield _named(norm, "router_norm", again=again)
        yield inside.op(Elementwise, function="multiply", outputs=elements, reads=elements)
        router = inside.op(Linear, rows=tokens, in_features=width, out_features=self.streams)
        yield _named(router, "modality_router", again=again)

    def _predict(self, site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
        yield from self._modalities(site, tokens, width, again=False)
        count = self.streams
        yield site.between("modalities", "coefficients").op(
            Linear,
            role="prediction_coefs",
            rows=tokens,
            in_features=count,
            out_features=count * count,
        )
        yield site.op(
            MatMul, batch=tokens, m=width, k=count, n=count, takes=(STREAM, "coefficients")
        )
        yield site.op(Elementwise, function="add", outputs=count * tokens * width)

    def _laurel(self, site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
        inside = site.between("laurel", "laurel")
        yield site.between("normed", "laurel").op(
            Linear, role="linear_left", rows=tokens, in_features=width, out_features=self.rank
        )
        yield inside.op(
            Linear, role="linear_right", rows=tokens, in_features=self.rank, out_features=width
        )
        yield _RMS.op(inside, tokens, width)
        yield inside.op(
            Elementwise, function="add", outputs=tokens * width, takes=("laurel", "normed")
        )

    def _correct(self, site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
        yield from self._modalities(site, tokens, width, again=True)
        count, elements = self.streams, tokens * width
        yield site.op(Elementwise, function="add", outputs=elements)
        coefficients = site.between("modalities", "corrections")
        yield coefficients.op(
            Linear, role="correction_coefs", rows=tokens, in_features=count, out_features=count
        )
        inside = site.between("corrections", "corrections")
        yield inside.op(Elementwise, function="add", outputs=tokens * count, reads=tokens * count)
        yield site.op(
            Elementwise,
            function="multiply",
            outputs=count * elements,
            reads=count * elements + count * tokens,
            takes=(STREAM, "corrections"),
        )
        yield site.op(Elementwise, function="add", outputs=count * elements)

    def _third(self, site: Site, tokens: Dim, width: Dim) -> Iterator[Op]:
        elements = tokens * width
        taken = attrs.evolve(site, component=_PLACE).between(STREAM, "first")
        runs = elements if self.scaled else 0
        yield taken.op(
            Elementwise,
            function="multiply",
            outputs=runs,
            reads=runs,
            lookup_weights=width,
            lookup_reads=width if self.scaled else 0,
            trainable=self.scaled,
        )
        yield from self.third.ops(site.at("per_layer").between("first", "third"), tokens)
        norm = site.at("norm")
        yield _RMS.op(norm.between("third", "third"), tokens, width)
        others = (self.streams - 1) * elements
        yield norm.op(
            Elementwise,
            function="add",
            outputs=others,
            reads=others + elements,
            takes=(STREAM, "third"),
        )


def _named(op: Op, role: str, *, again: bool) -> Op:
    """Return an operation with its role, whose weights are held once if it runs ``again``."""
    of = f"{_PLACE}/{role}" if again else None
    return attrs.evolve(op, role=role, weights_shared=again, weights_of=of)
