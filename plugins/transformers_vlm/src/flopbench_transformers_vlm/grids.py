"""Sizes of images that are symbols: what stands for a tensor of them while a tower is traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch


class SymbolicSizes:
    """Whole numbers that may be symbols, with what towers do to a tensor of sizes.

    A tensor cannot hold symbols. Towers add and multiply the sizes of images, and ask for the
    results as a list; what they repeat for each patch needs no values any more.
    """

    device = torch.device("meta")

    def __init__(self, values: Any) -> None:
        self._values = np.array(values, dtype=object)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _FUNCTIONS[func](*args, **(kwargs or {}))

    def __getitem__(self, index: Any) -> Any:
        """Return some of them; one alone is a number, and what patches choose has no values."""
        if any(isinstance(each, torch.Tensor) for each in (index if type(index) is tuple else ())):
            return self._without_values()[index]
        found = self._values[index]
        return type(self)(found) if isinstance(found, np.ndarray) else found

    def __len__(self) -> int:
        return len(self._values)

    def __mul__(self, other: Any) -> Self:
        return type(self)(self._values * _plain(other))

    def __add__(self, other: Any) -> Self:
        return type(self)(self._values + _plain(other))

    def __sub__(self, other: Any) -> Self:
        return type(self)(self._values - _plain(other))

    def __floordiv__(self, other: Any) -> Self:
        return type(self)(self._values // _plain(other))

    @property
    def dtype(self) -> torch.dtype:
        """Of the tensor that they stand for."""
        return torch.long

    def prod(self, dim: int) -> Self:
        """Return products along a dimension."""
        return type(self)(np.prod(self._values, axis=dim))

    def unsqueeze(self, dim: int) -> torch.Tensor:
        """Return them, as what is compared with each patch, without values."""
        return self._without_values().unsqueeze(dim)

    def _without_values(self) -> torch.Tensor:
        return torch.empty(self._values.shape, dtype=self.dtype, device=self.device)

    def unbind(self, dim: int) -> tuple[Any, ...]:
        """Return what a dimension has, one by one."""
        return tuple(type(self)(each) for each in np.moveaxis(self._values, dim, 0))

    def sum(self) -> Any:
        """Return the sum of all."""
        return self._values.sum()

    def cumsum(self, dim: int = 0, dtype: Any = None) -> Self:
        """Return sums of all up to each."""
        return type(self)(np.cumsum(self._values, axis=dim))

    def tolist(self) -> Any:
        """Return them as a list."""
        return self._values.tolist()


def _plain(value: Any) -> Any:
    return value._values if isinstance(value, SymbolicSizes) else value  # noqa: SLF001 - its own


def _padded(sizes: SymbolicSizes, pad: Sequence[int], mode: str = "", value: int = 0) -> Any:
    return SymbolicSizes(np.pad(_plain(sizes), tuple(pad), constant_values=value))


def _repeated(sizes: SymbolicSizes, repeats: SymbolicSizes) -> Any:
    """Return sizes that are repeated once as they are; else a tensor, which needs no values."""
    times = repeats.tolist()
    if all(type(each) is int and each == 1 for each in times):
        return sizes
    return torch.empty(sum(times), dtype=torch.long, device=SymbolicSizes.device)


_FUNCTIONS: Mapping[Any, Callable[..., Any]] = {
    torch.nn.functional.pad: _padded,
    torch.repeat_interleave: _repeated,
}
