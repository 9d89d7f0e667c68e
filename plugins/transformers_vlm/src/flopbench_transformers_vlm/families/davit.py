"""Florence-2's DaViT: windows and groups of channels attend in turn, with convolutions between.

Source: Ding et al., arXiv:2204.03645, as in Florence-2, arXiv:2311.06242.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from attrs import frozen

from flopbench import Attention, Elementwise, Linear, Op
from flopbench.blocks import EncoderAttention, Mlp, Projections, ResidualNorms, Site
from flopbench.blocks.linear import Part
from flopbench.dims import Dim
from flopbench.ops import Convolution, Unit
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.windows import Windows

_DEPTHWISE = 3
"""Kernel of the convolutions between, which keep the size of the grid."""


@frozen(eq=False)
class _Stage:
    """The blocks of one width, on images of a grid of vectors."""

    width: int
    rows: int
    cols: int
    count: Dim

    @property
    def tokens(self) -> Dim:
        return self.count * self.rows * self.cols


class DaVit:
    """Florence-2's tower."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def _of(self, name: str, stage: int) -> int:
        found: int = self._fields.get(name)[stage]
        return found

    def _divisor(self, name: str, stage: int, width: int) -> int:
        """Return a number of parts of a width, for a stage."""
        if width % (found := self._of(name, stage)):
            raise self._fields.refused(name, f"divisors of {width}, the width of stage {stage + 1}")
        return found

    @property
    def stages(self) -> range:
        """Numbers of the stages."""
        return range(len(self._fields.get("embed_dim")))

    @property
    def width(self) -> int:
        """Width of the vectors that it gives."""
        return self._of("embed_dim", -1)

    def grid(self, height: int, width: int, *, up_to: int | None = None) -> tuple[int, int]:
        """Return rows and columns after the convolutions that begin the stages."""
        for stage in self.stages if up_to is None else range(up_to + 1):
            size, stride = self._of("patch_size", stage), self._of("patch_stride", stage)
            filled = 2 * self._of("patch_padding", stage) - size
            height, width = ((each + filled) // stride + 1 for each in (height, width))
        return height, width

    def ops(self, site: Site, count: Dim, height: int, width: int) -> Iterator[Op]:
        """Yield the operations on images of a size in pixels."""
        before = height, width
        for number in self.stages:
            rows, cols = self.grid(height, width, up_to=number)
            stage = _Stage(self._of("embed_dim", number), rows, cols, count)
            yield from self._stem(site.at("patch_embed"), number, stage, before)
            before = rows, cols
            depth = self._of("depths", number)
            for kind, attention in (("windows", self._windows), ("channels", self._channels)):
                unit = Unit(f"stage {number + 1}, {kind}", depth)
                layers = attrs.evolve(site, layers=depth, unit=unit)
                yield from self._block(layers, stage, attention(layers, number, stage))

    def _stem(
        self, site: Site, number: int, stage: _Stage, before: tuple[int, int]
    ) -> Iterator[Op]:
        """Yield the convolution that begins a stage, and its norm."""
        fields, size = self._fields, self._of("patch_size", number)
        channels = self._of("embed_dim", number - 1) if number else fields.size("in_channels")
        if first := self._of("patch_prenorm", number):
            yield LAYER_NORM.op(site, stage.count * before[0] * before[1], channels)
        yield site.op(
            Convolution,
            batch=stage.count,
            in_channels=channels,
            out_channels=stage.width,
            kernel=(size, size),
            in_size=before,
            out_size=(stage.rows, stage.cols),
            bias=True,
        )
        if not first:
            yield LAYER_NORM.op(site, stage.tokens, stage.width)

    def _block(self, site: Site, stage: _Stage, attention: Part) -> Iterator[Op]:
        """Yield a block: attention and an MLP, a convolution before each."""
        fields, width = self._fields, stage.width
        around = ResidualNorms(norm=LAYER_NORM, width=width, norms=1)
        mlp = Mlp(
            width=width,
            inner=int(width * fields.get("mlp_ratio")),
            activation=fields.activation("activation_function"),
            bias=True,
        )
        place = site.at("mlp").with_alive(stage.tokens * width)
        parts: tuple[Part, ...] = (
            attention,
            lambda takes, gives: mlp.ops(place.between(takes, gives), stage.tokens),
        )
        for part in parts:
            yield from _convolved(site.at("conv"), stage)
            yield from around.layer(site.at("norm"), stage.tokens, part)

    def _windows(self, site: Site, number: int, stage: _Stage) -> Part:
        heads = self._divisor("num_heads", number, stage.width)
        block = EncoderAttention(
            width=stage.width,
            heads=heads,
            head_dim=stage.width // heads,
            bias=self._fields.flag("qkv_bias"),
            out_bias=True,
            fused=True,
            softmax_dtype=None,
        )
        windows = Windows(stage.rows, stage.cols, self._fields.size("window_size"))
        place = site.at("attention").with_alive(stage.tokens * stage.width)
        segments = windows.segments(stage.count)
        return lambda takes, gives: block.over(place.between(takes, gives), segments)

    def _channels(self, site: Site, number: int, stage: _Stage) -> Part:
        place = site.at("channel_attention").with_alive(stage.tokens * stage.width)
        groups = self._divisor("num_groups", number, stage.width)
        bias = self._fields.flag("qkv_bias")
        return lambda takes, gives: _channels(place.between(takes, gives), stage, groups, bias)


def _convolved(site: Site, stage: _Stage) -> Iterator[Op]:
    """Yield a convolution of each channel by itself, and its addition to what it takes."""
    elements = stage.tokens * stage.width
    yield (
        site.with_alive(elements)
        .between("stream", "conv")
        .op(
            Convolution,
            batch=stage.count,
            in_channels=stage.width,
            out_channels=stage.width,
            kernel=(_DEPTHWISE, _DEPTHWISE),
            in_size=(stage.rows, stage.cols),
            out_size=(stage.rows, stage.cols),
            groups=stage.width,
            bias=True,
        )
    )
    yield site.op(Elementwise, function="add", outputs=elements, takes=("stream", "conv"))


def _channels(site: Site, stage: _Stage, groups: int, bias: bool) -> Iterator[Op]:
    """Yield attention among the channels of a group: each is a vector of all cells of an image."""
    width, cells = stage.width, stage.rows * stage.cols
    projections = Projections(width, (width,) * 3, bias, fused=True, roles=("q", "k", "v"))
    yield from projections.ops(site.at("qkv"), stage.tokens)
    yield site.at("core").op(
        Attention,
        takes=projections.values,
        gives="core",
        batch=stage.count,
        heads=groups,
        kv_heads=groups,
        head_dim=cells,
        value_dim=cells,
        queries=width // groups,
        keys=width // groups,
        softmax_dtype=None,
    )
    yield site.at("out").op(
        Linear,
        role="o",
        takes=("core",),
        rows=stage.tokens,
        in_features=width,
        out_features=width,
        bias=True,
    )
