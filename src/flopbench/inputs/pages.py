"""Pages: the size of an image in a file, or given in pixels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flopbench.errors import UsageError
from flopbench.inputs.files import read_bytes

SAMPLE_PAGE = Path(__file__).with_name("sample_page.png")
SAMPLE_SIZE = (1240, 1754)
"""Width and height of the sample page, which need not be read."""

_MOST_BYTES = 2**30
"""What an image file may hold."""

_EXIF_ORIENTATION = 0x0112
_EXIF_TURNED = {5, 6, 7, 8}
"""EXIF orientations that swap width and height."""


class Page(NamedTuple):
    """The page that a workload was derived from, in pixels."""

    source: str
    width: int
    height: int


def read_page(image: str | Sequence[int] | None, key: str = "workload.image") -> Page:
    """Return the page of an image file, the sample page (None), or one of [width, height].

    A file is decoded completely, so that a truncated one is detected. An EXIF orientation is
    applied.

    Args:
        key: what the image is called in the configuration.

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
        raise UsageError(f"{key}={list(image)} must be [width, height], both at least 1 pixel")
    return Page("explicit size", width, height)


def _file_size(path: Path) -> tuple[int, int]:
    """Return the size of an image file; one that did not change since is not read again."""
    try:
        now = path.stat()
    except (OSError, ValueError):
        return _read_size(path)
    file = (now.st_dev, now.st_ino)
    return _known_size(path, *file, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=1024)
def _known_size(path: Path, *_version: int) -> tuple[int, int]:
    return _read_size(path)


def _read_size(path: Path) -> tuple[int, int]:
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
