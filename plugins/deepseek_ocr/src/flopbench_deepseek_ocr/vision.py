"""The vision tower: SAM, CLIP on SAM's features, and the projector to the decoder's width.

Shapes follow SAM (arXiv:2304.02643, windowed attention with decomposed relative positions
from MViTv2, arXiv:2112.01526) and CLIP (arXiv:2103.00020) as DeepSeek-OCR joins them
(arXiv:2510.18234). Resizing the position tables to the image's grid is not priced: it does
not depend on the batch and has no matrix work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
from attrs import field, frozen

from flopbench import Conv2d, Elementwise, Embedding, Linear, MatMul, Norm, Op
from flopbench.blocks import (
    EncoderAttention,
    EncoderLayers,
    Mlp,
    NormSpec,
    PatchStem,
    Positions,
    Site,
)
from flopbench.dims import Dim, at_most_one, ceil_div
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
    images, grid = view.count, view.size // sam.patch_size
    stem = Site("vision/sam/patch_embed")
    trained = sam.pretrained_size // sam.patch_size
    yield from PatchStem(
        in_channels=sam.in_channels, width=sam.width, patch_size=sam.patch_size
    ).ops(stem, images, grid)
    yield from Positions(width=sam.width, entries=trained * trained).ops(stem, images, grid * grid)
    whole = tuple(sorted(sam.global_layers))
    every = Unit.of_all("sam", sam.layers).numbers
    rest = tuple(number for number in every if number not in whole)
    windows = ceil_div(grid, sam.window)
    # Windowed layers pad the grid to whole windows; queries in the padding are computed as well.
    cut = _Windows(images * windows * windows, sam.window, trained=sam.window)
    rows = images * grid * grid
    yield from _sam_layers(sam, Unit("windowed", sam.layers - len(whole), rest), rows, cut)
    one = _Windows(images, grid, trained=trained)
    yield from _sam_layers(sam, Unit("global", len(whole), whole), rows, one)
    yield from _sam_neck(sam, images, grid)


@frozen
class _Windows:
    """``count`` windows of side x side tokens.

    Attributes:
        trained: side of the window that the relative-position tables were trained for.
    """

    count: Dim
    side: Dim
    trained: int = field(kw_only=True)


def _sam_layers(sam: Sam, unit: Unit, rows: Dim, windows: _Windows) -> Iterator[Op]:
    """Yield layers of one kind; norms, residuals and MLP run on ``rows`` unpadded tokens."""
    mlp = Mlp(width=sam.width, inner=sam.mlp_width, activation="gelu", bias=True)
    site = Site("vision/sam", layers=unit.count, unit=unit)
    place = site.at("attention").with_alive(rows * sam.width)
    return EncoderLayers(mlp=mlp).ops(
        site, rows, lambda takes, gives: _sam_attention(sam, place.between(takes, gives), windows)
    )


def _sam_attention(sam: Sam, site: Site, windows: _Windows) -> Iterator[Op]:
    """Attend within each window."""
    count, side = windows.count, windows.side
    tokens = side * side
    attention = EncoderAttention(
        width=sam.width,
        heads=sam.heads,
        head_dim=sam.head_dim,
        fused=True,
        position_bias="decomposed relative positions",
        bias_of_queries=True,
        scaled="queries",
    )
    yield from attention.projections(site, count * tokens)
    yield from _relative_positions(sam, site.at("core"), windows)
    yield attention.core(site, count, tokens)
    yield attention.out(site, count * tokens)


def _relative_positions(sam: Sam, site: Site, windows: _Windows) -> Iterator[Op]:
    """Compute the bias and add it to the scores, after Q K^T; scores and values stay alive."""
    heads, side = windows.count * sam.heads, windows.side
    tokens = side * side
    scores, per_axis = heads * tokens * tokens, heads * tokens * side
    beside = site.with_alive(scores + heads * tokens * sam.head_dim)
    embeddings = side * side * sam.head_dim
    # Each query is multiplied by one embedding per row and one per column of its window. The
    # columns' embeddings stay alive during the rows' product, the rows' result during the columns'.
    for waiting in (embeddings, per_axis):
        yield beside.with_alive(waiting).op(
            MatMul,
            takes=("q",),
            gives="bias",
            batch=side,
            m=heads * side,
            k=sam.head_dim,
            n=side,
            # All windows and heads share the embeddings; if there are none, nothing is read.
            reads=(heads + at_most_one(heads)) * embeddings,
            lookup_weights=(2 * windows.trained - 1) * sam.head_dim,
        )
    yield beside.op(
        Elementwise,
        function="add",
        outputs=scores,
        reads=2 * per_axis,
        takes=("bias",),
        gives="bias",
    )


def _sam_neck(sam: Sam, images: Dim, grid: Dim) -> Iterator[Op]:
    def conv(
        part: str, channels: tuple[int, int], kernel_size: int, before: Dim, side: Dim
    ) -> Conv2d:
        in_channels, out_channels = channels
        return Conv2d(
            component=f"vision/sam/{part}",
            batch=images,
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            in_height=before,
            in_width=before,
            out_height=side,
            out_width=side,
        )

    half = ceil_div(grid, 2)
    middle, last = sam.downsample_channels
    yield conv("neck", (sam.width, sam.neck_channels), 1, grid, grid)
    yield conv("neck", (sam.neck_channels, sam.neck_channels), 3, grid, grid)
    yield Norm(
        component="vision/sam/neck",
        layers=2,
        function="layer_norm",
        rows=images * grid * grid,
        width=sam.neck_channels,
    )
    yield conv("downsample", (sam.neck_channels, middle), 3, grid, half)
    yield conv("downsample", (middle, last), 3, half, ceil_div(half, 2))


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
