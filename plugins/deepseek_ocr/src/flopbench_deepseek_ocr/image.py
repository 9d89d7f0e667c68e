"""Choose a page's grid of tiles as the original image processor does."""

from __future__ import annotations

from flopbench_deepseek_ocr.workload import CropGrid, Tiling


def choose_grid(width: int, height: int, tiling: Tiling) -> CropGrid | None:
    """Return the grid of tiles for a page, or None if one view is enough.

    Among the grids whose number of tiles the tiling allows, the one with the aspect ratio nearest
    to the page's wins. On a tie the larger grid wins, provided that the page fills more than half
    of its pixels. Ratios are compared in floating point, as in the original code, so a tie is a
    tie of floats.
    """
    if max(width, height) <= tiling.size:
        return None
    grids = [
        (rows, cols)
        for cols in range(1, tiling.most + 1)
        for rows in range(1, tiling.most + 1)
        if tiling.fewest <= rows * cols <= tiling.most
    ]
    aspect, area = width / height, width * height
    best, best_distance = grids[0], float("inf")
    for rows, cols in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        distance = abs(aspect - cols / rows)
        larger_fits = area > 0.5 * tiling.size * tiling.size * rows * cols
        if distance < best_distance or (distance == best_distance and larger_fits):
            best, best_distance = (rows, cols), distance
    rows, cols = best
    return CropGrid(rows=rows, cols=cols)
