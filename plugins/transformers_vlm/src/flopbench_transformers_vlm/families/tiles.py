"""Families whose pages are cut into tiles of one size: each becomes the same number of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench import Op
from flopbench.blocks import Segments
from flopbench.dims import Dim, ceil_div
from flopbench_transformers_vlm.families.clip import ClipTower
from flopbench_transformers_vlm.families.family import Family, pair
from flopbench_transformers_vlm.workload import Cut, View


class TilesFamily(Family):
    """Models that cut a page into tiles of one size, and often see all of it as one more tile."""

    sizes = ("n",)

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
        return Cut((view,), int(view.tokens))

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
        size = pair(settings, "size", "width", "height")
        limits = settings.size("min_patches"), settings.size("max_patches")
        if settings.flag("crop_to_patches") and limits[1] > 1:
            cols, rows = nearest_grid(width, height, size, limits)
            tiles = cols * rows + (cols * rows > 1)  # the thumbnail
        view = View(tiles, *self.tile)
        return Cut((view,), int(tiles * view.tokens), separators=2)


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
