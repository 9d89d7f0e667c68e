"""InternVL and Qianfan-OCR: tiles and a thumbnail, a ViT, pixel shuffle and a projector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flopbench import Embedding, Op, UsageError
from flopbench.blocks import (
    Encoder,
    EncoderAttention,
    EncoderLayers,
    Mlp,
    PatchStem,
    Positions,
    Site,
)
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM, RMS
from flopbench_transformers_vlm.families.tiles import CroppedFamily

_NORMS = {"layer_norm": LAYER_NORM, "rms_norm": RMS}


class InternVl(CroppedFamily):
    """InternVL (arXiv:2404.16821, 2504.10479): at most 12 tiles, four patches become a token."""

    source = "InternVL (arXiv:2504.10479)"

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """InternVL's processor cuts pages into tiles."""
        return {"crop_to_patches": True, **super().settings(values)}

    @property
    def tile(self) -> tuple[int, int]:
        (rows, cols), shuffled = self._grid, self._shuffle
        if rows % shuffled or cols % shuffled or not rows * cols:
            raise UsageError(
                f"tiles of {rows} x {cols} patches: the model takes multiples of {shuffled} per "
                "side (the image processor's size)"
            )
        return rows // shuffled, cols // shuffled

    @property
    def _grid(self) -> tuple[int, int]:
        size = self.config.settings.pair("size", "height", "width")
        high, wide = self.config.vision.get("patch_size")
        return size[0] // high, size[1] // wide

    def require_size(self, high: int, wide: int) -> None:
        """Tiles may have any size: tables of positions are resized to them."""

    @property
    def _shuffle(self) -> int:
        """Patches per side that become one token."""
        return int(1 / self.config.whole.get("downsample_ratio"))

    def tiles(self, count: Dim) -> Iterator[Op]:
        fields, site = self.config.vision, Site("vision")
        fields.expect(use_mask_token=False)
        self.config.whole.expect(vision_feature_layer=-1)
        self.config.whole.expect(vision_feature_select_strategy="default")
        width, heads = fields.width, fields.heads
        (rows, cols), (high, wide) = self._grid, fields.get("patch_size")
        if high != wide:
            raise fields.refused("patch_size", "square patches")
        patches = rows * cols
        stem = PatchStem(in_channels=fields.size("num_channels"), width=width, patch_size=high)
        yield from stem.ops(site.at("patch_embed"), count, rows, cols)
        # A class token begins each tile.
        yield site.at("patch_embed").op(Embedding, tokens=count, width=width, entries=1)
        if fields.flag("use_absolute_position_embeddings"):
            high, wide = (
                a // p
                for a, p in zip(fields.get("image_size"), fields.get("patch_size"), strict=True)
            )
            positions = Positions(width=width, entries=high * wide + 1)
            yield from positions.ops(site.at("patch_embed"), count, patches + 1)
        attention = EncoderAttention(
            width=width,
            heads=heads,
            head_dim=fields.shared_head_dim,
            bias=fields.flag("attention_bias"),
            out_bias=True,
            qk_norm=RMS if fields.flag("use_qk_norm") else None,
            qk_norm_over="all",
            softmax_dtype=None,
        )
        mlp = Mlp(
            width=width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation(),
            bias=True,
        )
        norm = _NORMS[fields.one_of("norm_type", *_NORMS)]
        rest = EncoderLayers(mlp=mlp, norm=norm, scaled=True)
        layers = Encoder(layers=fields.layers, attention=attention, rest=rest)
        yield from layers.ops(site, self.segments(count, patches + 1))
        if not fields.flag("use_mean_pooling"):
            yield LAYER_NORM.op(site.at("norm"), count * (patches + 1), width)
        yield from self._projector(site.at("projector"), count * patches, width)

    def _projector(self, site: Site, patches: Dim, width: int) -> Iterator[Op]:
        shuffled = self._shuffle**2
        text = self.config.language.get("hidden_size")
        tokens, wide = patches // shuffled, width * shuffled
        yield LAYER_NORM.op(site, tokens, wide)
        act = self.config.whole.activation("projector_hidden_act")
        mlp = Mlp(width=wide, inner=text, activation=act, bias=True, out_width=text)
        yield from mlp.ops(site, tokens)


FAMILIES = {"internvl": InternVl, "qianfan_ocr": InternVl}
