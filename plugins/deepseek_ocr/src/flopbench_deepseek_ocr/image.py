"""Read a page's size, and choose its grid of tiles as the original image processor does."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

from flopbench import UsageError
from flopbench.inputs import read_bytes
from flopbench_deepseek_ocr.workload import CropGrid, Page, Tiling

SAMPLE_PAGE = Path(__file__).with_name("sample_page.png")
SAMPLE_SIZE = (1240, 1754)
"""Width and height of the sample page, which need not be read: it ships with the plugin."""

_MOST_BYTES = 2**30
"""What an image file may hold."""

_EXIF_ORIENTATION = 0x0112
_EXIF_TURNED = {5, 6, 7, 8}
"""EXIF orientations that swap width and height."""


def read_page(image: str | Sequence[int] | None) -> Page:
    """Return the page of an image file, the sample page (None), or one of [width, height].

    A file is decoded completely, so that a truncated one is detected. An EXIF orientation is
    applied, as in the original code.

    Raises:
        UsageError: the file is missing, empty, truncated or neither PNG nor JPEG, or the size is
            invalid.
    """
    if image is None:
        return Page("sample page", *SAMPLE_SIZE)
    if isinstance(image, str):
        return Page(image, *_file_size(Path(image)))
    try:
        width, height = image
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise UsageError(
            f"workload.image={list(image)} must be [width, height], both at least 1 pixel"
        )
    return Page("explicit size", width, height)


def _file_size(path: Path) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    data = read_bytes(path, f"image {path}", most=_MOST_BYTES)
    try:
        with warnings.catch_warnings():
            # What Pillow warns of (a large page, broken EXIF data) does not change the size, and
            # beyond Pillow's hard limit a large page is an error.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
                picture.load()
                turned = picture.getexif().get(_EXIF_ORIENTATION) in _EXIF_TURNED
                width, height = picture.size
    except UnidentifiedImageError as error:
        what = "is empty" if not data else "is not a PNG or JPEG image"
        raise UsageError(f"image {path} {what}") from error
    except Exception as error:  # a broken file makes Pillow's decoders raise anything
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UsageError(f"cannot read image {path}: {reason}") from error
    return (height, width) if turned else (width, height)


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
