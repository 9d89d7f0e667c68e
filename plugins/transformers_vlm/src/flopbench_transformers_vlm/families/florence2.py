"""Florence-2: a DaViT, whose features BART's encoder reads with the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from flopbench import Elementwise, Linear, Op, UsageError
from flopbench.blocks import Pass, Site
from flopbench.dims import Dim, at_most_one
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families.fields import Fields, NotCoveredError
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.config import VlConfig
from flopbench_transformers_vlm.families.bart_encoder import bart_encoder
from flopbench_transformers_vlm.families.crossing import FixedFamily, crossing_pass
from flopbench_transformers_vlm.families.davit import DaVit
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.workload import Cut, Workload

SIDE = 768
"""Pixels per side of the image, in the published models."""

START = (
    "the prompt is read by the text encoder, beside the image; the decoder begins with one token"
)


class Florence2(FixedFamily):
    """Florence-2: one vector per cell and one for their mean, each a token of the text encoder."""

    source = "Florence-2 (arXiv:2311.06242)"
    processor = "CLIPImageProcessor"
    parts: ClassVar[Mapping[str, str]] = {"encoder": "text encoder"}

    def __init__(self, config: VlConfig) -> None:
        super().__init__(config)
        self._tower = DaVit(config.vision)

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG003 - of no field
        """All of a page, as one square image."""
        return {"do_center_crop": False, "size": {"height": SIDE, "width": SIDE}}

    def workload(self, cut: Cut, **sizes: Any) -> Workload:
        memory = cut.tokens + sizes.get("prompt_tokens", 0)
        return Family.workload(self, cut, context=1, memory=memory, **sizes)

    def text_not_covered(self, language: HfModel) -> str | None:
        kind = self.config.language.model_type
        if kind != "bart":
            return f"the closed forms of 'florence2' cover a text model of type bart, not {kind!r}"
        try:
            list(self.encoded(crossing_pass("prefill", Workload(context=1, memory=1))))
        except NotCoveredError as error:
            return str(error)
        return super().text_not_covered(language)

    def assumptions(self, scattered: str) -> tuple[str, ...]:
        return (scattered, START, *super().assumptions(scattered))

    def encoded(self, run: Pass) -> Iterator[Op]:
        return bart_encoder(Fields(self.config.language), run)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        rows, cols = self._tower.grid(height, width)
        most = self.config.vision.size("max_position_embeddings")
        if max(rows, cols) > most:
            raise UsageError(
                f"model.processor: an image of {width} x {height} pixels has {cols} x {rows} "
                f"cells, but the projector's table of positions ends at {most} per side "
                "(max_position_embeddings): make it smaller"
            )
        return rows, cols

    def image_tokens(self, rows: int, cols: int) -> int:
        return rows * cols + 1

    def images(self, count: Dim, rows: int, cols: int) -> Iterator[Op]:
        site = Site("vision")
        yield from self._tower.ops(site, count, *self.image_size)
        yield from self._projector(site.at("projector"), count, rows * cols)

    def _projector(self, site: Site, count: Dim, cells: int) -> Iterator[Op]:
        """Yield positions, their mean over all cells, and the projection of both."""
        fields, width = self.config.vision, self._tower.width
        elements = count * cells * width
        # Rows and columns have tables for half of a vector each.
        yield site.op(
            Elementwise,
            function="add",
            outputs=elements,
            reads=elements,
            lookup_weights=fields.size("max_position_embeddings") * width,
            lookup_reads=at_most_one(count) * cells * width,
        )
        yield site.op(Elementwise, function="add", outputs=elements, reads=elements + width)
        yield site.op(Elementwise, function="add", outputs=elements, writes=count * width)
        rows, out = count * (cells + 1), fields.size("projection_dim")
        yield site.op(
            Linear, role="projector", rows=rows, in_features=width, out_features=out, bias=False
        )
        yield LAYER_NORM.op(site, rows, out)


FAMILIES = {"florence2": Florence2}
