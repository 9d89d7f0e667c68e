"""Towers of CLIP and SigLIP: a ViT that many models share, and what they do with its layers."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from flopbench import Attention, Elementwise, Embedding, Linear, Op
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    Mlp,
    PatchStem,
    Positions,
    Segments,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import LAYER_NORM


@frozen
class ClipTower:
    """A ViT with biases and LayerNorms (CLIP, arXiv:2103.00020; SigLIP, arXiv:2303.15343).

    Attributes:
        fields: of the tower's config.
        clip: whether it is CLIP's: a class token begins each image, a norm precedes the layers,
            patches have no bias, and the last norm works on the class token alone.
        head: whether a learned query attends to what the layers give, of which nothing is used.
        sized: patches per side of an image, if it need not be as large as the tower's.
        one_by_one: whether attention runs on one image after the other (`EncoderAttention`).
    """

    fields: Fields
    clip: bool = False
    head: bool = False
    sized: int | None = None
    one_by_one: bool = False

    @classmethod
    def of(cls, fields: Fields) -> ClipTower:
        """Return the tower of a config by its type.

        Raises:
            NotCoveredError: it is of another type.
        """
        kind = fields.one_of("model_type", "siglip_vision_model", "clip_vision_model")
        siglip = kind == "siglip_vision_model"
        return cls(fields, clip=not siglip, head=siglip and fields.flag("vision_use_head"))

    @property
    def _made_for(self) -> int:
        return self.fields.size("image_size") // self.fields.size("patch_size")

    @property
    def side(self) -> int:
        """Patches per side of an image."""
        return self._made_for if self.sized is None else self.sized

    @property
    def tokens(self) -> int:
        """Tokens of an image."""
        return self.side**2 + self.clip

    @property
    def width(self) -> int:
        """Elements of a token."""
        return self.fields.width

    def ops(self, site: Site, images: Dim) -> Iterator[Op]:
        """Yield the operations on a number of images."""
        fields, width, tokens = self.fields, self.width, self.tokens
        stem, rows = site.at("patch_embed"), images * tokens
        yield from PatchStem(
            in_channels=fields.size("num_channels"),
            width=width,
            patch_size=fields.size("patch_size"),
            bias=not self.clip,
        ).ops(stem, images, self.side)
        if self.clip:
            yield stem.op(Embedding, tokens=images, width=width, entries=1)
        positions = Positions(width=width, entries=self._made_for**2 + self.clip)
        yield from positions.ops(stem, images, tokens)
        if self.clip:
            yield LAYER_NORM.op(site.at("norm"), rows, width)
        yield from self.layers().ops(site, [Segments(images, tokens)])
        yield LAYER_NORM.op(site.at("norm"), images if self.clip else rows, width)
        if self.head:
            yield from self._head(site.at("head"), images)

    def layers(self, numbers: tuple[int, ...] = (), name: str = "vision") -> Encoder:
        """Return the layers, or some of them under a name of their own."""
        fields = self.fields
        return Encoder(
            layers=len(numbers) or fields.layers,
            attention=EncoderAttention(
                width=self.width,
                heads=fields.heads,
                head_dim=fields.shared_head_dim,
                one_by_one=self.one_by_one,
            ),
            rest=EncoderLayers(mlp=self._mlp),
            name=name,
            numbers=numbers,
        )

    @property
    def _mlp(self) -> Mlp:
        fields = self.fields
        inner, act = fields.size("intermediate_size"), fields.activation()
        return Mlp(width=fields.width, inner=inner, activation=act, bias=True)

    def _head(self, site: Site, images: Dim) -> Iterator[Op]:
        """Yield SigLIP's pooling: one query for each image, in cross-attention, then an MLP."""
        width, heads, tokens = self.width, self.fields.heads, self.tokens
        yield site.op(Embedding, tokens=images, width=width, entries=1)
        for role, rows, out in (("q", images, width), ("k_v", images * tokens, 2 * width)):
            yield site.op(
                Linear, gives=role, rows=rows, in_features=width, out_features=out, bias=True
            )
        yield site.op(
            Attention,
            takes=("q", "k_v"),
            gives="core",
            batch=images,
            heads=heads,
            kv_heads=heads,
            head_dim=width // heads,
            value_dim=width // heads,
            queries=1,
            keys=tokens,
            scaled="queries",
            softmax_dtype=None,
        )
        yield site.op(
            Linear, takes=("core",), rows=images, in_features=width, out_features=width, bias=True
        )
        yield LAYER_NORM.op(site, images, width)
        yield from self._mlp.ops(site, images)
        yield site.op(Elementwise, function="add", outputs=images * width)


def shuffled(fields: Fields, name: str, side: int) -> tuple[int, int]:
    """Return rows and columns of the cells that pixel shuffle makes of side x side patches.

    Args:
        name: the field with the patches per side of a cell.
    """
    cells = side // fields.size(name)
    return cells, cells


def require_layers(whole: Fields, layers: int) -> None:
    """Refuse features of layers that a tower does not have.

    Raises:
        NotCoveredError: it has fewer; its input counts as one.
    """
    name = "vision_feature_layer"
    said = whole.get(name)
    taken = said if isinstance(said, list | tuple) else [said]
    if not all(type(each) is int and -layers - 1 <= each <= layers for each in taken):
        raise whole.refused(name, f"layers from {-layers - 1} to {layers}")
