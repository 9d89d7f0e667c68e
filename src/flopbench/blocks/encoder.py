"""Layers of vision transformers (ViT, arXiv:2010.11929): bidirectional attention, and an MLP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs
from attrs import frozen

from flopbench.blocks.linear import NormSpec, Part, Projections, ResidualNorms
from flopbench.blocks.mlp import GatedMlp, Mlp
from flopbench.blocks.site import Site
from flopbench.dims import Dim, at_most_one, dim_field
from flopbench.ops import Attention, Elementwise, Linear, Op, Rope, Unit


@frozen(eq=False)
class Segments:
    """``count`` equal segments of tokens: each attends to itself alone.

    They are images, tiles or windows.
    """

    count: Dim = dim_field()
    tokens: Dim = dim_field()

    @property
    def rows(self) -> Dim:
        """Tokens of all of them."""
        return self.count * self.tokens


@frozen(kw_only=True)
class EncoderAttention:
    """Bidirectional attention, without a cache.

    Attributes:
        out_bias: whether the output projection has a bias; None if as ``bias``.
        fused: whether one product computes queries, keys and values.
        qk_norm: norm of queries and keys, if any.
        qk_norm_over: what one norm covers: a head, or all heads at once.
        rope_dim: rotated elements of a head; 0 for none.
        position_bias: what is added to the scores, if anything.
        biases: how many such tensors are added, one after the other.
        bias_of_queries: whether that bias is computed from the queries.
        scaled, one_by_one, softmax_dtype: as in `flopbench.ops.Attention`.
    """

    width: Dim
    heads: Dim
    head_dim: Dim
    bias: bool | tuple[bool, ...] = True
    out_bias: bool | None = None
    fused: bool = False
    qk_norm: NormSpec | None = None
    qk_norm_over: Literal["head", "all"] = "head"
    rope_dim: Dim = 0
    position_bias: str | None = None
    biases: int = 1
    bias_of_queries: bool = False
    scaled: Literal["scores", "queries"] | None = "scores"
    one_by_one: bool = False
    softmax_dtype: str | None = "float32"

    def ops(self, site: Site, batch: Dim, tokens: Dim) -> Iterator[Op]:
        """Yield the operations under ``qkv``, ``core`` and ``out``, on equal segments."""
        yield from self.over(site, [Segments(batch, tokens)])

    def over(self, site: Site, segments: Sequence[Segments]) -> Iterator[Op]:
        """Yield the operations on all tokens, with a core for each kind of segment."""
        rows = sum(each.rows for each in segments)
        yield from self.projections(site, rows)
        yield from self.norms(site, rows)
        yield from self.rotated(site, rows)
        later: Dim = rows
        earlier: Dim = 0
        for each in segments:
            later = later - each.rows
            # Queries, keys and values wait for their turn, outputs for those of the others.
            beside = site.with_alive(self._inner * (3 * later + earlier))
            yield self.core(beside, each.count, each.tokens)
            earlier = earlier + each.rows
        yield self.out(site, rows)

    @property
    def _inner(self) -> Dim:
        return self.heads * self.head_dim

    @property
    def _projections(self) -> Projections:
        roles, inner = ("q", "k", "v"), self._inner
        return Projections(self.width, (inner, inner, inner), self.bias, self.fused, roles)

    def projections(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the projections to queries, keys and values."""
        yield from self._projections.ops(site.at("qkv"), rows)

    def norms(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the norms of queries and of keys; the other two stay alive."""
        if self.qk_norm is None:
            return
        each_head = self.qk_norm_over == "head"
        vectors, width = (rows * self.heads, self.head_dim) if each_head else (rows, self._inner)
        for value in self._projections.values[:2]:
            beside = site.at("qkv").with_alive(2 * rows * self._inner).between(value, value)
            yield self.qk_norm.op(beside, vectors, width)

    def rotated(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the rotation of queries and keys; what is not rotated stays alive."""
        if not self.rope_dim:
            return
        rotated = 2 * rows * self.heads * self.rope_dim
        beside = site.at("core").with_alive(3 * rows * self._inner - rotated)
        yield beside.op(
            Rope,
            takes=self._projections.values[:2],
            gives="",
            tokens=rows,
            heads=2 * self.heads,
            head_dim=self.rope_dim,
            positions=rows,
            peak_elements=2 * rotated,
        )

    def core(self, site: Site, batch: Dim, tokens: Dim) -> Attention:
        """Return the attention of ``batch`` images or windows, each on its own."""
        return site.at("core").op(
            Attention,
            takes=self._projections.values,
            gives="core",
            batch=batch,
            heads=self.heads,
            kv_heads=self.heads,
            head_dim=self.head_dim,
            value_dim=self.head_dim,
            queries=tokens,
            keys=tokens,
            bias=self.position_bias,
            biases=self.biases,
            bias_of_queries=self.bias_of_queries,
            scaled=self.scaled,
            one_by_one=self.one_by_one,
            softmax_dtype=self.softmax_dtype,
        )

    def out(self, site: Site, rows: Dim) -> Linear:
        """Return the output projection."""
        biased = self.bias if self.out_bias is None else self.out_bias
        return site.at("out").op(
            Linear,
            role="o",
            takes=("core",),
            rows=rows,
            in_features=self._inner,
            out_features=self.width,
            bias=bool(biased),
        )


@frozen(kw_only=True)
class EncoderLayers:
    """What each layer does besides attention: norms, residual additions and an MLP.

    Attributes:
        scaled: whether learned numbers multiply what each part gives, one for each element of a
            vector (LayerScale, arXiv:2103.17239).
        around: norms and additions, if they are not a norm before each part.
    """

    mlp: Mlp | GatedMlp
    norm: NormSpec = NormSpec("layer_norm")
    scaled: bool = False
    around: ResidualNorms | None = None

    def ops(self, site: Site, rows: Dim, attention: Part) -> Iterator[Op]:
        """Yield the layers, with their attention, in the order in which one runs.

        What is besides attention is under ``norm`` and ``mlp``; the residual is alive beside the
        MLP.
        """
        width = self.mlp.width
        around = self.around or ResidualNorms(norm=self.norm, width=width)
        place = site.at("mlp").with_alive(rows * width)
        parts = (attention, lambda takes, gives: self.mlp.ops(place.between(takes, gives), rows))
        steps = [self._scaled(site, rows, part) for part in parts] if self.scaled else parts
        return around.layer(site.at("norm"), rows, *steps)

    def _scaled(self, site: Site, rows: Dim, part: Part) -> Part:
        width = self.mlp.width

        def scaled(takes: str, gives: str) -> Iterator[Op]:
            yield from part(takes, gives)
            beside = site.at("norm").with_alive(rows * width).between(gives, gives)
            yield beside.op(
                Elementwise,
                function="multiply",
                outputs=rows * width,
                reads=rows * width,
                lookup_weights=width,
                lookup_reads=at_most_one(rows) * width,
            )

        return scaled


@frozen(kw_only=True)
class Encoder:
    """Identical layers of a vision transformer.

    Attributes:
        layers: number of layers.
        name: what tells them from other layers of the tower.
        numbers: which layers of the tower they are, from 0, if not all.
    """

    layers: Dim
    attention: EncoderAttention
    rest: EncoderLayers
    name: str = "vision"
    numbers: tuple[int, ...] = ()

    def ops(self, site: Site, segments: Sequence[Segments]) -> Iterator[Op]:
        """Yield the operations of all layers, under ``attention``, ``mlp`` and ``norm``.

        Args:
            segments: the tokens, and which of them attend to each other.
        """
        rows = sum(each.rows for each in segments)
        unit = Unit(self.name, self.layers, self.numbers)
        layers = attrs.evolve(site, layers=self.layers, unit=unit)
        place = layers.at("attention").with_alive(rows * self.attention.width)
        return self.rest.ops(
            layers,
            rows,
            lambda takes, gives: self.attention.over(place.between(takes, gives), segments),
        )
