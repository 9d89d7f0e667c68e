"""Any tower with any decoder (transformers' vision-encoder-decoder): Donut, Nougat and TrOCR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from flopbench import Linear, Op, UsageError
from flopbench.blocks import Pass, Site
from flopbench.blocks.cross import MEMORY
from flopbench.dims import Dim
from flopbench_transformers_vlm.config import VlConfig
from flopbench_transformers_vlm.families.crossing import FixedFamily
from flopbench_transformers_vlm.families.swin import Swin
from flopbench_transformers_vlm.families.vit import Deit, Vit, sides

AGAIN = (
    "transformers projects the encoder's output to the decoder's width in each pass of the decoder "
    "(decoder/memory); an engine does it once"
)


class Tower(Protocol):
    """What reads the image."""

    processor: ClassVar[str]
    assumed: ClassVar[str | None]

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return rows and columns of patches of an image of a size in pixels."""

    def tokens(self, rows: int, cols: int) -> int:
        """Return the vectors that a grid of patches becomes."""

    @property
    def width(self) -> int:
        """Width of those vectors."""

    def ops(self, site: Site, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        """Yield the operations on images of a grid of patches."""


_PADDING = ("DonutImageProcessor", "NougatImageProcessor")
"""Image processors that shrink a page and fill it up."""

TOWERS: Mapping[str, type[Any]] = {"donut-swin": Swin, "vit": Vit, "deit": Deit}
"""Towers by transformers' type."""


class VisionEncoderDecoder(FixedFamily):
    """A tower and a decoder, each of which the config names."""

    source = "transformers' vision-encoder-decoder, with a donut-swin, vit or deit encoder"
    processor = "ViTImageProcessor"
    model_type = "vision-encoder-decoder"
    decoder_field = "decoder"

    def __init__(self, config: VlConfig) -> None:
        super().__init__(config)
        fields = config.part("encoder")
        self._tower: Tower = _tower(config.values)(fields)

    @classmethod
    def processor_of(cls, values: Mapping[str, Any]) -> str:
        found: str = _tower(values).processor
        return found

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Images as large as those that the tower is made for."""
        height, width = sides(values["encoder"]["image_size"])
        return {"size": {"height": height, "width": width}}

    def require_page(self, width: int, height: int) -> None:
        if self.processor_of(self.config.values) not in _PADDING:
            return
        if not self.config.processor.get("do_pad"):
            raise UsageError("model.processor: do_pad=false makes images of several sizes")
        require_thumbnail(width, height, self.image_size)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        return self._tower.grid(height, width)

    def image_tokens(self, rows: int, cols: int) -> int:
        return self._tower.tokens(rows, cols)

    def images(self, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        return self._tower.ops(Site("vision"), count, rows, cols)

    @property
    def _projects(self) -> bool:
        reader = self.config.language
        own = reader.get("cross_attention_hidden_size")
        return own is None and self._tower.width != reader.get("hidden_size")

    def projected(self, run: Pass) -> Iterator[Op]:
        if self._projects:
            yield Site("decoder/memory", steps=run.steps, takes=MEMORY, gives=MEMORY).op(
                Linear,
                role="memory",
                rows=run.batch * run.memory,
                in_features=self._tower.width,
                out_features=self.config.language.get("hidden_size"),
                bias=True,
            )

    def assumptions(self, scattered: str) -> tuple[str, ...]:
        again = (AGAIN,) if self._projects else ()
        pooled = (self._tower.assumed,) if self._tower.assumed else ()
        return (*super().assumptions(scattered), *pooled, *again)


def _tower(values: Mapping[str, Any]) -> type[Any]:
    kind = values["encoder"]["model_type"]
    if kind not in TOWERS:
        known = ", ".join(TOWERS)
        raise UsageError(
            f"model.config: vl/ models have closed forms for encoders of type {known}, not {kind!r}"
        )
    return TOWERS[kind]


def require_thumbnail(width: int, height: int, size: tuple[int, int]) -> None:
    """Refuse a page so narrow that Donut's image processor makes an image without pixels of it.

    The processor makes the shorter side as long as the shorter one of ``size``, then shrinks what
    is too long.

    Raises:
        UsageError: it does.
    """
    short, long = sorted((width, height))
    longest = int(min(size) * long / short)
    side = min(longest, size[0] if height > width else size[1])
    if side < longest and int(min(size) * side / longest) < 1:
        raise UsageError(
            f"a page of {width} x {height} pixels: the image processor makes it less than one "
            "pixel wide"
        )


_MBART = {"model_type": "mbart", "is_decoder": True, "add_cross_attention": True}


class Donut(VisionEncoderDecoder):
    """Donut: a Swin transformer and mBART's decoder."""

    source = "Donut (arXiv:2111.15664)"
    processor = "DonutImageProcessor"
    defaults: ClassVar[Mapping[str, Any]] = {
        "encoder": {"model_type": "donut-swin"},
        "decoder": _MBART,
    }


class Nougat(Donut):
    """Nougat: Donut with margins cropped, on pages of 896 x 672."""

    source = "Nougat (arXiv:2308.13418)"
    processor = "NougatImageProcessor"

    @classmethod
    def processor_of(cls, values: Mapping[str, Any]) -> str:
        return cls.processor if _tower(values) is Swin else super().processor_of(values)


class TrOcr(VisionEncoderDecoder):
    """TrOCR: a ViT or DeiT on lines of text, and a decoder of its own."""

    source = "TrOCR (arXiv:2109.10282)"
    defaults: ClassVar[Mapping[str, Any]] = {
        "encoder": {"model_type": "vit"},
        "decoder": {"model_type": "trocr", "is_decoder": True, "add_cross_attention": True},
    }


FAMILIES = {
    "donut": Donut,
    "nougat": Nougat,
    "trocr": TrOcr,
    "vision-encoder-decoder": VisionEncoderDecoder,
}
