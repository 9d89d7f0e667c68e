"""Families whose pages are cut into tiles of one size: each becomes the same number of tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench import Op, UsageError
from flopbench.blocks import Segments
from flopbench.dims import Dim, ceil_div
from flopbench_transformers_vlm.families.clip import ClipTower
from flopbench_transformers_vlm.families.family import Family
from flopbench_transformers_vlm.processors import fixed_size
from flopbench_transformers_vlm.workload import Cut, View


class TilesFamily(Family):
    """Models that cut a page into tiles of one size, and often see all of it as one more tile."""

    sizes = ("n",)

    @property
    def same_size(self) -> bool:
        """Whether the tower refuses images of another size, though they have as many patches."""
        return False

    def require_size(self, high: int, wide: int) -> None:
        """Refuse images that the tower does not take.

        Raises:
            UsageError: they have another size than those that it is made for.
        """
        vision = self.config.vision
        size, patch = vision.get("image_size"), vision.size("patch_size")
        made_for = tuple(size) if isinstance(size, list | tuple) else (size, size)
        unit = 1 if self.same_size else patch
        if [each // unit for each in made_for] != [high // unit, wide // unit]:
            raise UsageError(
                f"model.processor makes images of {wide} x {high} pixels, but the tower takes "
                f"{made_for[1]} x {made_for[0]}: set the size of the image processor to that of "
                "the tower"
            )

    def vision(self, views: Sequence[View]) -> Iterator[Op]:
        return self.tiles(sum(view.count for view in views))

    def tiles(self, count: Dim) -> Iterator[Op]:
        """Yield the operations that turn a number of tiles into features."""
        raise NotImplementedError

    @staticmethod
    def segments(count: Dim, tokens: Dim) -> list[Segments]:
        """Return what attends to itself alone: each tile."""
        return [Segments(count, tokens)]


class OneTileFamily(TilesFamily):
    """Models that resize every image to the size that a tower of CLIP or SigLIP is made for."""

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Images as large as the tower's."""
        side = values["vision_config"]["image_size"]
        return {"size": {"height": side, "width": side}}

    def cut(self, width: int, height: int) -> Cut:
        view = self.one
        self.require_size(*self.made_of(width, height))
        return Cut((view,), int(view.tokens))

    def made_of(self, width: int, height: int) -> tuple[int, int]:
        """Return height and width of what the image processor makes of a page."""
        settings = self.config.settings
        resized = settings.flag("do_resize", default=True)
        if resized or settings.flag("do_center_crop"):
            return fixed_size(self.config.processor, self.processor)
        return height, width

    @property
    def tower(self) -> ClipTower:
        """The tower."""
        return ClipTower.of(self.config.vision)

    @property
    def one(self) -> View:
        """What an image becomes: a cell for each patch."""
        return View(1, self.tower.side, self.tower.side)


class CroppedFamily(TilesFamily):
    """Models with GOT-OCR2's image processor: a grid of tiles, then a thumbnail, if asked for."""

    processor = "GotOcr2ImageProcessor"

    @classmethod
    def settings(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Tiles as large as the tower's image."""
        size = values["vision_config"]["image_size"]
        height, width = size if isinstance(size, list | tuple) else (size, size)
        return {"size": {"height": height, "width": width}}

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of tokens that a tile becomes."""
        raise NotImplementedError

    def cut(self, width: int, height: int) -> Cut:
        settings, tiles = self.config.settings, 1
        wide, high = settings.pair("size", "width", "height")
        if self.crops:
            cols, rows = nearest_grid(width, height, (wide, high), self.limits)
            tiles = cols * rows + (cols * rows > 1)  # the thumbnail
        self.require_tiles(width, height)
        view = View(tiles, *self.tile)
        return Cut((view,), int(tiles * view.tokens), separators=2)

    @property
    def crops(self) -> bool:
        """Whether pages are cut into tiles."""
        settings = self.config.settings
        return settings.flag("crop_to_patches") and settings.parts("max_patches") > 1

    @property
    def limits(self) -> tuple[int, int]:
        """The fewest and the most tiles of a page."""
        settings = self.config.settings
        return max(1, math.ceil(settings.number("min_patches"))), settings.parts("max_patches")

    def require_tiles(self, width: int, height: int) -> None:
        """Refuse tiles that the tower does not take.

        Raises:
            UsageError: they have another size, or the page is left as it is, which has another.
        """
        settings = self.config.settings
        whole = not self.crops and not settings.flag("do_resize", default=True)
        self.require_size(*((height, width) if whole else settings.pair("size", "height", "width")))


def grids_of(fewest: int, most: int, longest: int | None = None) -> list[tuple[int, int]]:
    """Return columns and rows of all grids with a number of tiles, those with fewer first.

    Args:
        longest: the most tiles of a side, if there are limits to them.
    """
    longest = min(most, longest or most)
    grids = [
        (cols, rows)
        for cols in range(1, longest + 1)
        for rows in range(max(1, ceil_div(fewest, cols)), min(longest, most // cols) + 1)
    ]
    return sorted(grids, key=lambda grid: grid[0] * grid[1])


def nearest_grid(
    width: int,
    height: int,
    tile: tuple[int, int],
    limits: tuple[int, int],
    longest: int | None = None,
) -> tuple[int, int]:
    """Return columns and rows of the grid of tiles whose aspect ratio is nearest to a page's.

    On a tie the grid with more tiles wins, provided that the page fills more than half of its
    pixels. Ratios are compared in floating point, so a tie is a tie of floats.

    Source: ``get_optimal_tiled_canvas`` of GOT-OCR2 in transformers, as in InternVL.

    Args:
        tile: width and height of a tile.
        limits: the fewest and the most tiles.
        longest: the most tiles of a side, if there are limits to them.
    """
    aspect, area = width / height, width * height
    best, best_distance = (1, 1), float("inf")
    for cols, rows in grids_of(*limits, longest):
        distance = abs(aspect - cols / rows)
        fits = area > 0.5 * tile[0] * tile[1] * cols * rows
        if distance < best_distance or (distance == best_distance and fits):
            best, best_distance = (cols, rows), distance
    return best
