"""MiniCPM-V 4.6 and MiniCPM-OCR: an overview and slices of a page, patches merged twice or once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench import Elementwise, Op, UsageError
from flopbench.blocks import EncoderAttention, Mlp, PatchStem, Positions, Segments, Site
from flopbench.dims import Dim
from flopbench_transformers_lm.families.parts import LAYER_NORM
from flopbench_transformers_vlm.families.clip import ClipTower
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.workload import Cut, View

_ID = 3
"""Tokens that tell the number of an image, below 10: it is one, and two are around it."""


class MiniCpm(Family):
    """MiniCPM-V 4.6: SigLIP; after some layer four patches become one, and again at the end."""

    source = "MiniCPM-V 4.6 (huggingface.co/openbmb/MiniCPM-V-4.6)"
    processor = "MiniCPMV4_6ImageProcessor"
    sizes = ("h", "w")

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The image processor prepares pages for as many merges as the model has."""
        return {
            "downsample_mode": values["downsample_mode"],
            "patch_size": values["vision_config"]["patch_size"],
        }

    @property
    def _merges_within(self) -> bool:
        return bool(self.config.whole.get("downsample_mode") != "4x")

    @property
    def _rounds(self) -> int:
        return self.config.whole.size("merger_times")

    def cut(self, width: int, height: int) -> Cut:
        """Return the overview and the slices; two tokens around each, and line breaks of rows."""
        settings = self.config.settings
        if not settings.flag("do_resize", default=True):
            raise settings.refused("do_resize", "true")
        rows, cols = self._slices(width, height)
        views = [self._view(1, self._resized(width, height, always=not rows), (width, height))]
        if rows:
            # A slice of the page, which is resized to whole pixels of each.
            part = (max(round(side / n), 1) for side, n in ((width, cols), (height, rows)))
            views.append(self._view(rows * cols, self._resized(*part), (width, height)))
        tokens = sum(int(view.count * view.tokens) for view in views)
        around = 2 * (1 + rows * cols) + max(rows - 1, 0)
        return Cut(tuple(views), tokens, around + _ID * settings.flag("use_image_id"))

    def _view(self, count: int, size: tuple[int, int], page: tuple[int, int]) -> View:
        cell = 2 ** (self._merges_within + self._rounds)
        patch = self.config.vision.size("patch_size")
        cols, rows = (side // patch for side in size)
        if rows % cell or cols % cell:
            raise UsageError(
                f"a page of {page[0]} x {page[1]} pixels has a view of {cols} x {rows} patches, "
                f"which the model cannot merge in cells of {cell} x {cell}"
            )
        return View(count, rows // cell, cols // cell)

    def _slices(self, width: int, height: int) -> tuple[int, int]:
        """Return rows and columns of slices, or none of both.

        Source: ``get_sliced_grid`` of MiniCPM-V 4.6's image processor in transformers.
        """
        settings = self.config.settings
        most, side = settings.parts("max_slice_nums"), settings.size("scale_resolution")
        wanted = min(math.ceil(width * height / (side * side)), most)
        if wanted <= 1 or not settings.flag("slice_mode"):
            return 0, 0
        aspect, best, least = math.log(width / height), (1, 1), math.inf
        for slices in (wanted - 1, wanted, wanted + 1):
            if slices == 1 or slices > most:
                continue
            for rows in (n for n in range(1, slices + 1) if slices % n == 0):
                error = abs(aspect - math.log(slices // rows / rows))
                if error < least or (error == least and rows > best[0]):
                    best, least = (rows, slices // rows), error
        return best

    def _resized(self, width: float, height: float, *, always: bool = True) -> tuple[int, int]:
        """Return the size that a page or a slice gets, in multiples of what is merged.

        Source: ``find_best_resize`` of MiniCPM-V 4.6's image processor in transformers.
        """
        settings = self.config.settings
        side = settings.size("scale_resolution")
        if always or width * height > side * side:
            aspect = width / height
            height = int(side / math.sqrt(aspect))
            width = int(height * aspect)
        unit = settings.size("patch_size") * (2 if settings.get("downsample_mode") == "4x" else 4)
        wide, high = (max(round(each / unit) * unit, unit) for each in (width, height))
        return wide, high

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        fields, whole, site = self.config.vision, self.config.whole, Site("vision")
        if list(whole.get("merge_kernel_size")) != [2, 2]:
            raise whole.refused("merge_kernel_size", "[2, 2]")
        if list(fields.get("window_kernel_size")) != [2, 2]:
            raise fields.refused("window_kernel_size", "[2, 2]")
        tower, cell = ClipTower(fields, one_by_one=True), 4 ** (self._merges_within + self._rounds)
        segments = [Segments(view.count, cell * view.tokens) for view in views]
        patches = sum(each.rows for each in segments)
        stem = PatchStem(
            in_channels=fields.size("num_channels"),
            width=tower.width,
            patch_size=fields.size("patch_size"),
        )
        yield from stem.ops(site.at("patch_embed"), 1, 1, patches)
        table = Positions(width=tower.width, entries=tower.side**2)
        yield from table.ops(site.at("patch_embed"), 1, patches)
        layers, within = fields.layers, self._merges_within
        at = fields.size("insert_layer_id", least=0, most=layers - 1) if within else layers - 1
        before, after = tuple(range(at + 1)), tuple(range(at + 1, layers))
        yield from tower.layers(before).ops(site, segments)
        yield from self._window_merger(site.at("window_merger"), patches if within else 0)
        if within:
            segments = [Segments(each.count, each.tokens // 4) for each in segments]
            if after:
                yield from tower.layers(after, "merged vision").ops(site, segments)
        rows = sum(each.rows for each in segments)
        yield LAYER_NORM.op(site.at("norm"), rows, tower.width)
        yield from self._merger(site.at("merger"), rows)

    def _window_merger(self, site: Site, patches: Dim) -> Iterator[Op]:
        """Yield attention within windows of four patches, each of which then becomes one."""
        fields = self.config.vision
        width, merged = fields.width, patches // 4
        yield LAYER_NORM.op(site, patches, width)
        attention = EncoderAttention(
            width=width, heads=fields.heads, head_dim=fields.shared_head_dim, one_by_one=True
        )
        yield from attention.ops(site, merged, 4)
        yield site.op(Elementwise, function="add", outputs=patches * width)
        yield LAYER_NORM.op(site, merged, 4 * width)
        mlp = Mlp(
            width=4 * width,
            inner=4 * fields.size("intermediate_size"),
            activation="gelu_tanh",
            bias=True,
            out_width=width,
        )
        yield from mlp.ops(site, merged)
        yield site.op(Elementwise, function="add", outputs=merged * width)

    def _merger(self, site: Site, rows: Dim) -> Iterator[Op]:
        """Yield the last merges: four vectors become one, in each round."""
        width, text = self.config.vision.width, self.config.language.get("hidden_size")
        for number in range(self._rounds):
            rows = rows // 4
            out = text if number == self._rounds - 1 else width
            yield LAYER_NORM.op(site, rows, 4 * width)
            mlp = Mlp(width=4 * width, inner=4 * width, activation="gelu", bias=True, out_width=out)
            yield from mlp.ops(site, rows)


class MiniCpmOcr(MiniCpm):
    """MiniCPM-OCR: the same model, which merges once."""

    source = "MiniCPM-OCR (huggingface.co/openbmb/MiniCPM-OCR-1.0)"


FAMILIES = {"minicpm_ocr": MiniCpmOcr, "minicpmv4_6": MiniCpm}
