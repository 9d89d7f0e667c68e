"""The vision tower: SAM, CLIP on SAM's features, and the projector to the decoder's width.

Shapes follow SAM (arXiv:2304.02643) and CLIP (arXiv:2103.00020) as DeepSeek-OCR joins them
(arXiv:2510.18234).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from flopbench import Embedding, Linear, Op
from flopbench.blocks import (
    EncoderAttention,
    EncoderLayers,
    Mlp,
    NormSpec,
    Positions,
    Site,
    WindowedEncoder,
    halved_twice,
)
from flopbench.dims import Dim
from flopbench.ops import Unit
from flopbench_deepseek_ocr.architecture import Architecture, Clip, Sam
from flopbench_deepseek_ocr.workload import View, Workload


def vision_ops(architecture: Architecture, workload: Workload) -> Iterator[Op]:
    """Yield the operations that turn all views of the pages into image tokens."""
    # The newline and the separator are learned.
    width, entries = architecture.decoder.width, 2
    yield from page_ops(workload, width, lambda view: view_ops(architecture, view), entries)


def page_ops(
    workload: Workload, width: int, view_ops: Callable[[View], Iterator[Op]], entries: int
) -> Iterator[Op]:
    """Yield the operations of all views of the pages, and of joining their tokens.

    The views pass one after the other through the same weights; the tokens of one stay alive
    until those of the next are there.

    Args:
        width: width of an image token.
        view_ops: yields the operations of one view.
        entries: number of learned tokens that separate rows or views.
    """
    waiting: Dim = 0
    for index, view in enumerate(workload.views):
        for op in view_ops(view):
            yield attrs.evolve(
                op, weights_shared=index > 0, alive_meanwhile=op.alive_meanwhile + waiting
            )
        waiting = waiting + view.count * view.tokens * width
    yield Embedding(
        component="vision/projector/separators",
        tokens=workload.batch_size * workload.separators,
        width=width,
        entries=entries,
        alive_meanwhile=waiting,
    )


def view_ops(architecture: Architecture, view: View) -> Iterator[Op]:
    """Yield the operations that turn a view's images into features of the decoder's width."""
    yield from sam_ops(architecture.sam, view)
    yield from _clip(architecture.clip, view.count, view.tokens + 1)
    yield projector_op(view, architecture.projector_width, architecture.decoder.width)


def projector_op(view: View, in_features: int, out_features: int) -> Linear:
    """Return the product that turns a view's features into image tokens."""
    return Linear(
        component="vision/projector",
        rows=view.count * view.tokens,
        in_features=in_features,
        out_features=out_features,
        bias=True,
    )


def sam_ops(sam: Sam, view: View) -> Iterator[Op]:
    """Yield SAM's operations on a view's images, including the strided convolutions at its end."""
    images, grid, site = view.count, view.size // sam.patch_size, Site("vision/sam")
    encoder = WindowedEncoder(
        layers=sam.layers,
        width=sam.width,
        heads=sam.heads,
        inner=sam.mlp_width,
        in_channels=sam.in_channels,
        patch_size=sam.patch_size,
        window=sam.window,
        global_layers=sam.global_layers,
        trained=sam.pretrained_size // sam.patch_size,
        out_channels=sam.neck_channels,
    )
    yield from encoder.ops(site, images, grid)
    channels = (sam.neck_channels, *sam.downsample_channels)
    yield from halved_twice(site.at("downsample"), images, grid, channels)


def _clip(clip: Clip, images: Dim, tokens: Dim) -> Iterator[Op]:
    """Encode SAM's features, which stay alive for the projector, and a class token."""
    rows = images * tokens
    site = Site("vision/clip", alive_meanwhile=images * (tokens - 1) * clip.width)
    unit = Unit.of_all("clip", clip.layers)
    layers = attrs.evolve(site, layers=clip.layers, unit=unit)
    trained = clip.pretrained_size // clip.patch_size
    # A class token, and a position for it and for each patch. They are added to the features,
    # which are operands here and therefore not counted as alive meanwhile.
    positions = Positions(width=clip.width, entries=2 + trained * trained)
    yield from positions.ops(Site("vision/clip/embed"), images, tokens)
    yield NormSpec("layer_norm").op(site.at("embed"), rows, clip.width)
    attention = EncoderAttention(width=clip.width, heads=clip.heads, head_dim=clip.head_dim)
    place = layers.at("attention").with_alive(rows * clip.width)
    mlp = Mlp(width=clip.width, inner=clip.mlp_width, activation="quick_gelu", bias=True)
    yield from EncoderLayers(mlp=mlp).ops(
        layers,
        rows,
        lambda takes, gives: attention.ops(place.between(takes, gives), images, tokens),
    )
