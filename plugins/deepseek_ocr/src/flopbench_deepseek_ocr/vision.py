"""The vision tower: SAM, CLIP on SAM's features, and the projector to the decoder's width.

Shapes follow SAM (arXiv:2304.02643, windowed attention with decomposed relative positions
from MViTv2, arXiv:2112.01526) and CLIP (arXiv:2103.00020) as DeepSeek-OCR joins them
(arXiv:2510.18234). The resizing of position tables to the image's grid is not priced:
it does not depend on the batch and has no matrix work.
"""

from __future__ import annotations

from collections.abc import Iterator

from flopbench.dims import Dim, ceil_div
from flopbench.ops import Attention, Conv2d, Elementwise, Linear, MatMul, Norm, Op
from flopbench_deepseek_ocr.architecture import Architecture, Clip, Sam
from flopbench_deepseek_ocr.workload import View


def vision_ops(architecture: Architecture, view: View) -> Iterator[Op]:
    """Yield the operations that turn a view's images into image tokens."""
    sam, clip = architecture.sam, architecture.clip
    grid = view.size // sam.patch_size
    side = ceil_div(ceil_div(grid, 2), 2)
    yield from _sam(sam, view.count, grid)
    yield from _clip(clip, view.count, side * side + 1)
    yield Linear(
        component="vision/projector",
        rows=view.count * side * side,
        in_features=architecture.projector_width,
        out_features=architecture.decoder.width,
        bias=True,
    )


def _sam(sam: Sam, images: Dim, grid: Dim) -> Iterator[Op]:
    yield Conv2d(
        component="vision/sam/patch_embed",
        batch=images,
        in_channels=sam.in_channels,
        out_channels=sam.width,
        kernel_size=sam.patch_size,
        out_height=grid,
        out_width=grid,
        bias=True,
    )
    yield Elementwise(
        component="vision/sam/patch_embed", function="add", outputs=images * grid * grid * sam.width
    )
    global_layers = len(sam.global_layers)
    windows = ceil_div(grid, sam.window)
    # Windowed layers pad the grid to whole windows; queries in the padding are computed, too.
    windowed = _sam_attention(
        sam, images * windows * windows, sam.window, sam.layers - global_layers
    )
    yield from windowed
    yield from _sam_attention(sam, images, grid, global_layers)
    yield from _sam_blocks(sam, images * grid * grid)
    yield from _sam_neck(sam, images, grid)


def _sam_attention(sam: Sam, windows: Dim, side: Dim, layers: int) -> Iterator[Op]:
    """Attend within ``windows`` windows of side x side tokens."""
    tokens = side * side
    rows = windows * tokens
    heads = windows * sam.heads
    core = "vision/sam/attention/core"
    yield Linear(
        component="vision/sam/attention/qkv",
        layers=layers,
        rows=rows,
        in_features=sam.width,
        out_features=3 * sam.width,
        bias=True,
    )
    # Each query meets one embedding per row and one per column of its window.
    for _axis in ("height", "width"):
        yield MatMul(
            component=core, layers=layers, batch=side, m=heads * side, k=sam.head_dim, n=side
        )
    yield Elementwise(
        component=core, layers=layers, function="add", outputs=heads * tokens * tokens
    )
    yield Attention(
        component=core,
        layers=layers,
        batch=windows,
        heads=sam.heads,
        kv_heads=sam.heads,
        head_dim=sam.head_dim,
        value_dim=sam.head_dim,
        queries=tokens,
        keys=tokens,
        bias="decomposed relative positions",
        scaled="queries",
    )
    yield Linear(
        component="vision/sam/attention/out",
        layers=layers,
        rows=rows,
        in_features=sam.width,
        out_features=sam.width,
        bias=True,
    )


def _sam_blocks(sam: Sam, tokens: Dim) -> Iterator[Op]:
    """Yield what every layer does on the unpadded tokens: norms, residuals and MLP."""
    yield from _residual_norms("vision/sam/norm", sam.layers, tokens, sam.width)
    yield from _mlp("vision/sam/mlp", sam.layers, tokens, sam.width, sam.mlp_width, "gelu")


def _sam_neck(sam: Sam, images: Dim, grid: Dim) -> Iterator[Op]:
    def conv(part: str, in_channels: int, out_channels: int, kernel_size: int, side: Dim) -> Conv2d:
        return Conv2d(
            component=f"vision/sam/{part}",
            batch=images,
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernel_size,
            out_height=side,
            out_width=side,
        )

    half = ceil_div(grid, 2)
    middle, last = sam.downsample_channels
    yield conv("neck", sam.width, sam.neck_channels, 1, grid)
    yield conv("neck", sam.neck_channels, sam.neck_channels, 3, grid)
    yield Norm(
        component="vision/sam/neck",
        layers=2,
        function="layer_norm",
        rows=images * grid * grid,
        width=sam.neck_channels,
    )
    yield conv("downsample", sam.neck_channels, middle, 3, half)
    yield conv("downsample", middle, last, 3, ceil_div(half, 2))


def _clip(clip: Clip, images: Dim, tokens: Dim) -> Iterator[Op]:
    rows = images * tokens
    yield Elementwise(component="vision/clip/embed", function="add", outputs=rows * clip.width)
    yield Norm(component="vision/clip/embed", function="layer_norm", rows=rows, width=clip.width)
    yield Linear(
        component="vision/clip/attention/qkv",
        layers=clip.layers * 3,
        rows=rows,
        in_features=clip.width,
        out_features=clip.width,
        bias=True,
    )
    yield Attention(
        component="vision/clip/attention/core",
        layers=clip.layers,
        batch=images,
        heads=clip.heads,
        kv_heads=clip.heads,
        head_dim=clip.head_dim,
        value_dim=clip.head_dim,
        queries=tokens,
        keys=tokens,
    )
    yield Linear(
        component="vision/clip/attention/out",
        layers=clip.layers,
        rows=rows,
        in_features=clip.width,
        out_features=clip.width,
        bias=True,
    )
    yield from _residual_norms("vision/clip/norm", clip.layers, rows, clip.width)
    yield from _mlp("vision/clip/mlp", clip.layers, rows, clip.width, clip.mlp_width, "quick_gelu")


def _residual_norms(component: str, layers: int, rows: Dim, width: int) -> Iterator[Op]:
    yield Norm(
        component=component, layers=2 * layers, function="layer_norm", rows=rows, width=width
    )
    yield Elementwise(component=component, layers=2 * layers, function="add", outputs=rows * width)


def _mlp(
    component: str, layers: int, rows: Dim, width: int, mlp_width: int, activation: str
) -> Iterator[Op]:
    for in_features, out_features in ((width, mlp_width), (mlp_width, width)):
        yield Linear(
            component=component,
            layers=layers,
            rows=rows,
            in_features=in_features,
            out_features=out_features,
            bias=True,
        )
    yield Elementwise(
        component=component, layers=layers, function=activation, outputs=rows * mlp_width
    )
