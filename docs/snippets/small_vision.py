"""A vision transformer of blocks: the layers of ViT-B/16."""

from collections.abc import Iterator

import sympy

from flopbench import Op, blocks
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.dims import Dim

WIDTH, LAYERS = 768, 12
stem = blocks.PatchStem(in_channels=3, width=WIDTH, patch_size=16)
positions = blocks.Positions(width=WIDTH, entries=14 * 14 + 1)
attention = blocks.EncoderAttention(width=WIDTH, heads=12, head_dim=64)
layers = blocks.EncoderLayers(mlp=blocks.Mlp(width=WIDTH, inner=3072, activation="gelu"))


def ops(images: Dim, grid: Dim) -> Iterator[Op]:
    """Yield the operations on images of grid x grid patches, each with a class token."""
    tokens = grid * grid + 1
    tower, layer = blocks.Site("vision"), blocks.Site("vision/layers", layers=LAYERS)
    yield from stem.ops(tower.at("stem"), images, grid)
    yield from positions.ops(tower.at("positions"), images, tokens)
    yield from layers.ops(
        layer,
        images * tokens,
        lambda takes, gives: attention.ops(
            layer.at("attention").between(takes, gives), images, tokens
        ),
    )


for pixels in (224, 384):
    for mode in (Eager(), Flash()):
        cost = price(ops(1, pixels // 16), mode, Eager(), Conventions()).cost
        tensor, vector = f"{cost.tensor_flops:,}", f"{cost.vector_flops:,}"
        print(f"{pixels} pixels, {mode.name}: {tensor} tensor FLOPs, {vector} vector FLOPs")
B, g = sympy.symbols("B g", positive=True, integer=True)
form = price(ops(B, g), Eager(), Eager(), Conventions()).cost.tensor_flops
print(f"B images of g x g patches: {sympy.expand(form)}")
