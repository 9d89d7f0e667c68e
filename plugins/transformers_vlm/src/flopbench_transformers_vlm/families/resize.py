"""How image processors choose the size that a page is resized to."""

from __future__ import annotations

import math

from flopbench import UsageError

_MOST_ASPECT = 200


def smart_resize(
    width: int,
    height: int,
    factor: int,
    pixels: tuple[float, float],
    *,
    frames: int | None = None,
    widened: bool = False,
) -> tuple[int, int]:
    """Return width and height, in multiples of a factor, with the number of pixels in a range.

    Source: ``smart_resize`` of Qwen2-VL in transformers, and with frames that of GLM-4.6V, which
    also enlarges a page of which a side is shorter than the factor.

    Args:
        pixels: the least and the most.
        frames: copies of the image that count as pixels; None if they do not.
        widened: whether a side that is shorter than the factor becomes as long first, and the
            other one longer alike, as in PaddleOCR-VL.

    Raises:
        UsageError: one side is more than 200 times as long as the other.
    """
    page = f"a page of {width} x {height} pixels"
    if frames is not None and min(width, height) < factor:
        scale = max(factor / height, factor / width)
        width, height = int(width * scale), int(height * scale)
    if widened and height < factor:
        width, height = round(width * factor / height), factor
    if widened and width < factor:
        width, height = factor, round(height * factor / width)
    if max(width, height) / min(width, height) > _MOST_ASPECT:
        raise UsageError(
            f"{page}: the image processor takes none whose longer side is more than "
            f"{_MOST_ASPECT} times the shorter one"
        )
    copies, (least, most) = frames or 1, pixels
    w, h = (round(each / factor) * factor for each in (width, height))
    if copies * w * h > most:
        beta = math.sqrt((copies * width * height) / most)
        w, h = (max(factor, math.floor(each / beta / factor) * factor) for each in (width, height))
    elif copies * w * h < least:
        beta = math.sqrt(least / (copies * width * height))
        w, h = (math.ceil(each * beta / factor) * factor for each in (width, height))
    return w, h
