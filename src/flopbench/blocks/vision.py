"""What vision transformers (ViT, arXiv:2010.11929) begin with: patches and their positions."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench.blocks.site import Site
from flopbench.dims import Dim, at_most_one
from flopbench.ops import Conv2d, Elementwise, Linear, Op


@frozen(kw_only=True)
class PatchStem:
    """A convolution that turns each patch of an image into a vector."""

    in_channels: Dim
    width: Dim
    patch_size: Dim
    bias: bool = True

    def ops(self, site: Site, images: Dim, rows: Dim, cols: Dim | None = None) -> Iterator[Op]:
        """Yield the convolution to a grid of rows x cols patches; of rows x rows without cols."""
        cols = rows if cols is None else cols
        yield site.op(
            Conv2d,
            takes=("pixels",),
            batch=images,
            in_channels=self.in_channels,
            out_channels=self.width,
            kernel_size=self.patch_size,
            in_height=rows * self.patch_size,
            in_width=cols * self.patch_size,
            out_height=rows,
            out_width=cols,
            bias=self.bias,
        )

    def of_patches(self, site: Site, patches: Dim, frames: Dim = 1) -> Linear:
        """Return the same on patches that are cut out already: a product for each.

        Args:
            frames: images that one patch covers, of which a still image has copies.
        """
        return site.op(
            Linear,
            takes=("pixels",),
            rows=patches,
            in_features=self.in_channels * frames * self.patch_size * self.patch_size,
            out_features=self.width,
            bias=self.bias,
        )


@frozen(kw_only=True)
class Positions:
    """A learned vector per position, added to the tokens.

    Attributes:
        entries: number of learned vectors, including those of extra tokens.
    """

    width: Dim
    entries: Dim

    def ops(self, site: Site, images: Dim, tokens: Dim) -> Iterator[Op]:
        """Yield the addition to ``tokens`` tokens of each image."""
        elements = images * tokens * self.width
        yield site.op(
            Elementwise,
            function="add",
            outputs=elements,
            reads=elements,
            lookup_weights=self.entries * self.width,
            lookup_reads=at_most_one(images) * tokens * self.width,
        )
