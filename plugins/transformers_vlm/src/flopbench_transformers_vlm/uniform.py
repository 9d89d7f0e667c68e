"""Tensors whose elements are all equal: their values are known, though their sizes be symbols."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch

from flopbench.dims import is_traced


class Uniform:
    """A value and a shape, with what towers do to a mask of the images that hold pixels.

    Models drop images of a batch that are padding. Here none is, so the mask has one value, and
    what is counted or selected by it follows from its shape.
    """

    device = torch.device("cpu")

    def __init__(self, value: Any, shape: Sequence[Any]) -> None:
        self.value = value
        self.shape = tuple(shape)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _FUNCTIONS[func](*args, **(kwargs or {}))

    def _like(self, value: Any) -> Self:
        return type(self)(value, self.shape)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]  # as tensors do
        return self._like(self.value != other)

    __hash__ = None  # type: ignore[assignment]

    def __mul__(self, other: Any) -> Self:
        return self._like(self.value * other)

    def __invert__(self) -> Self:
        return self._like(not self.value)

    def __or__(self, other: Self) -> Self:
        return self._like(self.value or other.value)

    def __getitem__(self, index: int) -> Self:
        return type(self)(self.value, self.shape[1:])

    def __setitem__(self, index: int, given: Self) -> None:
        if given.value != self.value:
            raise ValueError("all elements of a uniform tensor are equal")

    def view(self, *shape: Any) -> Self:
        """Return the same elements in another shape."""
        return type(self)(self.value, shape)

    def sum(self, dim: int | tuple[int, ...] = ()) -> Self:
        """Return sums along dimensions; of all elements without any."""
        chosen = (dim,) if isinstance(dim, int) else dim
        axes = {axis % len(self.shape) for axis in chosen} or {*range(len(self.shape))}
        added = math.prod(size for axis, size in enumerate(self.shape) if axis in axes)
        rest = [size for axis, size in enumerate(self.shape) if axis not in axes]
        return type(self)(self.value * added, rest)

    def tolist(self) -> Any:
        """Return nested lists."""
        if not self.shape:
            return self.value
        return [self[0].tolist()] * self.shape[0]


def none_is_zero(pixels: Any, other: Any) -> Uniform | None:
    """Return where pixels equal a number: nowhere 0."""
    if not pixels.is_floating_point() or not isinstance(other, float | int) or other != 0:
        return None
    return Uniform(value=False, shape=pixels.shape)


def holds(condition: Any) -> bool | None:
    """Return that what is checked holds: no image and no patch is padding."""
    return True if condition.dtype == torch.bool else None


def all_at_once(values: Any, dim: int = 0) -> tuple[Any, ...] | None:
    """Return features of images, which a model lists one by one, as one item if none counts them.

    A symbol cannot say how many items there are.
    """
    return (values,) if dim == 0 and is_traced(values.shape[0]) else None


def one_item(values: Any) -> int | None:
    """Return how many items `all_at_once` makes, which ``list`` asks for first.

    A trace that took it for the number of images would differ from the count that checks it.
    """
    return 1 if is_traced(values.shape[0]) else None


def selected(values: Any, mask: Any) -> Any:
    """Return what a mask over the first dimensions selects; None if that is not known."""
    if isinstance(mask, Uniform):
        count = math.prod(mask.shape) if mask.value else 0
        return values.reshape(-1, *values.shape[len(mask.shape) :])[:count]
    if isinstance(mask, torch.Tensor) and mask.dtype == torch.bool and mask.device.type == "cpu":
        return values[tuple(each.to("meta") for each in mask.nonzero(as_tuple=True))]
    return None


_FUNCTIONS: Mapping[Any, Callable[..., Any]] = {
    torch.any: lambda mask: Uniform(mask.value, ()),
}
