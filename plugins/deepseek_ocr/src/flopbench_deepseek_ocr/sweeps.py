"""DeepSeek-OCR's named sweeps: over grids of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flopbench import Sweep, SweepLimits, SweepPoint, UsageError
from flopbench_deepseek_ocr.workload import Workload

FEWEST_TILES, MOST_TILES = 2, 29
MOST_IMAGE_TOKENS = 1_000_000
"""The largest limit that a user may set; it admits about 40,000 grids."""


def candidate_grids(
    max_image_tokens: int | None = None, workload: type[Workload] = Workload
) -> list[tuple[int, int]]:
    """Return the (rows, columns) of every grid of 2 to 29 tiles with rows <= columns.

    Args:
        workload: the model's type of workload, which determines how many tokens a grid has.
        max_image_tokens: if given, return instead all grids of 2 or more tiles that have at most
            this many image tokens, again with rows <= columns.
    """
    # Every tile adds at least 100 tokens.
    most = MOST_TILES if max_image_tokens is None else max_image_tokens // 100
    grids = [
        (rows, cols)
        for rows in range(1, most + 1)
        for cols in range(rows, most // rows + 1)
        if rows * cols >= FEWEST_TILES
    ]
    if max_image_tokens is None:
        return grids
    return [grid for grid in grids if _image_tokens(workload, grid) <= max_image_tokens]


def _image_tokens(workload: type[Workload], grid: tuple[int, int]) -> int:
    rows, cols = grid
    return int(workload(tile_rows=rows, tile_cols=cols).image_tokens)


def grid_points(workload: type[Workload], limits: SweepLimits) -> Iterator[SweepPoint]:
    """Yield a point per grid, by increasing image tokens.

    Raises:
        UsageError: no grid is within the limits, or too many are.
    """
    if (limits.max_image_tokens or 0) > MOST_IMAGE_TOKENS:
        raise UsageError(
            f"--max-image-tokens must be at most {MOST_IMAGE_TOKENS:,}, "
            f"got {limits.max_image_tokens}"
        )
    grids = limits.grids or candidate_grids(limits.max_image_tokens, workload)
    if not grids:
        raise UsageError(
            f"--max-image-tokens={limits.max_image_tokens} leaves no grid: the smallest, 1x2, "
            f"has {_image_tokens(workload, (1, 2))} image tokens"
        )
    for rows, cols in sorted(grids, key=lambda grid: (_image_tokens(workload, grid), grid)):
        yield SweepPoint(
            label=f"{rows}x{cols}",
            inputs={"mode": "gundam", "image": None, "crop_grid": {"rows": rows, "cols": cols}},
            facts={"grid": f"{rows}x{cols}", "rows": rows, "cols": cols},
        )


def grid_sweeps(workload: type[Workload]) -> tuple[Sweep, ...]:
    """Return the sweeps over grids of tiles."""
    points = partial(grid_points, workload)
    return tuple(
        Sweep(
            name=name,
            description=description,
            stages=stages,
            x="image_tokens",
            points=points,
            takes=frozenset({"grids", "max_image_tokens"}),
        )
        for name, description, stages in (
            ("crops", "Vision over grids of tiles", ("vision",)),
            (
                "vision_prefill",
                "Vision and prefill over grids of tiles",
                ("vision", "prefill", "vision_prefill"),
            ),
            ("decode", "Decoding over grids of tiles", ("decode",)),
        )
    )
