"""Gemma 3 and PaliGemma: SigLIP on images of one size, and a projection; crops in Gemma 3."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flopbench import Attention, Elementwise, Linear, Op
from flopbench.blocks import Site
from flopbench.dims import Dim
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.families.parts import RMS
from flopbench_transformers_vlm.families.tiles import OneTileFamily
from flopbench_transformers_vlm.workload import Cut, View, Workload


class PaliGemma(OneTileFamily):
    """PaliGemma (arXiv:2407.07726): each patch becomes a token."""

    source = "PaliGemma (arXiv:2407.07726)"
    processor = "SiglipImageProcessor"

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site = self.tower, Site("vision")
        yield from tower.ops(site, count)
        yield site.at("projector").op(
            Linear,
            rows=count * tower.tokens,
            in_features=tower.width,
            out_features=self.config.vision.size("projection_dim"),
            bias=True,
        )

    @property
    def text_config(self) -> LmConfig:
        """Gemma's closed forms are those of a decoder; see `text`."""
        given = self.config.language
        return attrs.evolve(given, values={**given.values, "use_bidirectional_attention": False})

    def text_not_covered(self, language: HfModel) -> str | None:
        told = super().text_not_covered(language)
        fields = Fields(self.config.language)
        if told is None and fields.get("use_bidirectional_attention"):
            ops = language.ops("prefill", Workload(context=1).text)
            if any(isinstance(op, Attention) and op.window is not None for op in ops):
                return str(fields.refused("use_bidirectional_attention", "false with windows"))
        return told

    def text(self, language: HfModel, stage: str, workload: Workload) -> Iterator[Op]:
        """Yield the operations; positions of a prompt attend to each other in both directions."""
        both = stage == "prefill" and self.config.language.get("use_bidirectional_attention")
        for op in super().text(language, stage, workload):
            yield attrs.evolve(op, causal=False) if both and isinstance(op, Attention) else op


class Gemma3(PaliGemma):
    """Gemma 3 (arXiv:2503.19786): patches are averaged; long pages are cropped, if asked for."""

    source = "Gemma 3 (arXiv:2503.19786)"
    processor = "Gemma3ImageProcessor"

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What Gemma 3's processor sets, too."""
        return {
            "do_pan_and_scan": False,
            "pan_and_scan_min_crop_size": 256,
            "pan_and_scan_max_num_crops": 4,
            "pan_and_scan_min_ratio_to_activate": 1.2,
            **super().settings(values),
        }

    def cut(self, width: int, height: int) -> Cut:
        """Return the whole image and its crops.

        Four tokens begin and end each: two line breaks are one. The words that tell of crops are
        left to the prompt: how many tokens they are is up to the tokenizer.
        """
        crops = self._crops(max(width, height), min(width, height))
        view = View(1 + crops, *self._cells)
        self.require_size(*self.made_of(width, height))
        return Cut((view,), int(view.count * view.tokens), separators=4 * (1 + crops))

    def _crops(self, long: int, short: int) -> int:
        """Return the number of crops along the longer side.

        Source: ``pan_and_scan`` of Gemma 3's image processor in transformers.
        """
        settings = self.config.settings
        if not settings.flag("do_pan_and_scan"):
            return 0
        least = settings.size("pan_and_scan_min_crop_size")
        if long / short < settings.number("pan_and_scan_min_ratio_to_activate"):
            return 0
        wanted = min(math.floor(long / least), math.floor(long / short + 0.5))
        crops = min(settings.size("pan_and_scan_max_num_crops"), max(2, wanted))
        return 0 if min(math.ceil(long / crops), short) < least else crops

    @property
    def _cells(self) -> tuple[int, int]:
        """Rows and columns of tokens: those that whole kernels of the average cover."""
        side = self.tower.side
        wanted = math.isqrt(self.config.whole.size("mm_tokens_per_image"))
        if wanted > side:
            right = f"whole numbers up to {side * side}, the patches of an image"
            raise self.config.whole.refused("mm_tokens_per_image", right)
        cells = side // (side // wanted)
        return cells, cells

    def tiles(self, count: Dim) -> Iterator[Op]:
        tower, site = self.tower, Site("vision")
        yield from tower.ops(site, count)
        rows, cols = self._cells
        tokens, place = count * rows * cols, site.at("projector")
        kernel = (tower.side // rows) ** 2
        yield place.op(
            Elementwise,
            function="add",
            outputs=tokens * kernel * tower.width,
            reads=tokens * kernel * tower.width,
            writes=tokens * tower.width,
        )
        yield RMS.op(place, tokens, tower.width)
        out = self.config.language.get("hidden_size")
        yield place.op(Linear, rows=tokens, in_features=tower.width, out_features=out)


FAMILIES = {"gemma3": Gemma3, "paligemma": PaliGemma}
