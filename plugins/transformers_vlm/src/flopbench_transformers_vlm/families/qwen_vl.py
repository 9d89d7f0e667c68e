"""Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5: cells of 2 x 2 patches, each becomes a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from flopbench import Op
from flopbench.blocks import GatedMlp, Mlp, Positions, Site
from flopbench.dims import Dim
from flopbench.ops import STREAM
from flopbench_transformers_lm.families.parts import RMS
from flopbench_transformers_vlm.families.grid_tower import FRAMES, GridTower, windows
from flopbench_transformers_vlm.workload import View

DEEPSTACK = (
    "the language model's first layers add what deepstack mergers make of an image to its tokens; "
    "that multiplies nothing and is left out"
)


class Qwen2Vl(GridTower):
    """Qwen2-VL: a tower without learned positions."""

    source = "Qwen2-VL (arXiv:2409.12191)"
    processor = "Qwen2VLImageProcessor"
    width_field = "embed_dim"
    stem_bias = False
    shared = (*GridTower.shared, FRAMES)

    @property
    def mlp(self) -> Mlp | GatedMlp:
        fields = self.config.vision
        inner = int(self.width * fields.get("mlp_ratio"))
        return Mlp(width=self.width, inner=inner, activation=fields.activation(), bias=True)

    @property
    def out(self) -> int:
        """Width of the features."""
        return self.config.vision.width

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        return self.cells(site.at("merger"), patches, self.out)


class Qwen25Vl(Qwen2Vl):
    """Qwen2.5-VL: most layers attend within windows."""

    source = "Qwen2.5-VL (arXiv:2502.13923)"
    width_field = "hidden_size"
    norm = RMS

    @property
    def mlp(self) -> Mlp | GatedMlp:
        fields = self.config.vision
        return GatedMlp(
            width=self.width,
            inner=fields.size("intermediate_size"),
            activation=fields.activation(),
            bias=True,
        )

    @property
    def out(self) -> int:
        return self.config.vision.size("out_hidden_size")

    def encoded(self, site: Site, views: Sequence[View]) -> Iterator[Op]:
        """Yield runs of layers that attend to a whole image, or within windows."""
        fields, whole = self.config.vision, self.segments(views)
        side = fields.size("window_size") // self.merge // fields.size("patch_size")
        if side < 1:
            raise fields.refused("window_size", "windows of at least one cell")
        cut = windows(views, side, self.merge * self.merge)
        full = {*fields.get("fullatt_block_indexes")}
        for first, last in _runs([layer in full for layer in range(self.layers)]):
            run = self.encoder(last - first, "vision", tuple(range(first, last)))
            yield from run.ops(site, whole if first in full else cut)


class Qwen3Vl(Qwen2Vl):
    """Qwen3-VL: learned positions, and features from layers in the middle (deepstack)."""

    source = "Qwen3-VL (arXiv:2511.21631)"
    width_field = "hidden_size"
    stem_bias = True
    left_out: ClassVar[tuple[str, ...]] = (DEEPSTACK,)

    mlp = GridTower.mlp

    @property
    def out(self) -> int:
        return self.config.vision.size("out_hidden_size")

    def positions(self, site: Site, patches: Dim) -> Iterator[Op]:
        entries = self.config.vision.size("num_position_embeddings")
        return Positions(width=self.width, entries=entries).ops(site, 1, patches)

    def merged(self, site: Site, views: Sequence[View], patches: Dim) -> Iterator[Op]:
        taken = [*self.config.vision.get("deepstack_visual_indexes", ())]
        deep = site.at("deepstack").between(STREAM, "deepstack")
        for number, layer in enumerate(taken):
            # A merger of no layer, or of one that another takes, holds weights and does not run.
            runs = layer in range(self.layers) and layer not in taken[:number]
            yield from self.cells(deep, patches if runs else 0, self.out, wide_norm=True)
        yield from super().merged(site, views, patches)


class Qwen35(Qwen3Vl):
    """Qwen3.5: the tower of Qwen3-VL, without deepstack."""

    source = "Qwen3.5 (huggingface.co/Qwen/Qwen3.5-27B)"
    left_out: ClassVar[tuple[str, ...]] = ()


def _runs(kinds: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last but one of neighbours of one kind."""
    first = 0
    for at in range(1, len(kinds) + 1):
        if at == len(kinds) or kinds[at] != kinds[first]:
            yield first, at
            first = at


FAMILIES = {
    "qwen2_vl": Qwen2Vl,
    "qwen2_5_vl": Qwen25Vl,
    "qwen3_vl": Qwen3Vl,
    "qwen3_vl_moe": Qwen3Vl,
    "qwen3_5": Qwen35,
    "qwen3_5_moe": Qwen35,
}
