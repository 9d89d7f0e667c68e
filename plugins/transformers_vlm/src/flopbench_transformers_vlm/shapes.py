"""Shapes of what torch makes of an image whose sizes are symbols, where it would fix them."""

from __future__ import annotations

from typing import Any

from flopbench.dims import is_traced


def unfolded(
    image: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """Return what ``torch.nn.functional.unfold`` does, of an image whose sizes are symbols.

    Args:
        image: [images, channels, height, width].

    Returns:
        [images, channels x square, squares], or None if squares overlap or leave some of it out.
    """
    images, channels, height, width = image.shape
    side = kernel_size
    beside = type(side) is not int or side != stride or dilation != 1 or padding != 0
    if beside or not (is_traced(height) or is_traced(width)) or height % side or width % side:
        return None
    rows, cols = height // side, width // side
    cut = image.reshape(images, channels, rows, side, cols, side).permute(0, 1, 3, 5, 2, 4)
    return cut.reshape(images, channels * side * side, rows * cols)


def resized(image: Any, size: Any = None, *_others: Any, **_more: Any) -> Any:
    """Return what ``torch.nn.functional.interpolate`` does, without values; None for numbers.

    Args:
        image: [images, channels, height, width].
        size: height and width that it is resized to.
    """
    if not isinstance(size, tuple) or not any(map(is_traced, size)):
        return None
    return image.new_empty(*image.shape[:2], *size)
