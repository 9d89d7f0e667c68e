"""Integer arrays that never wrap: a whole sweep in one evaluation, exact or an error.

NumPy's int64 silently wraps on overflow. `IntArray` derives bounds for every result from
the bounds of its operands before it trusts int64. It recomputes in Python integers where
the bounds are too loose, and raises `DimError` where a result really does not fit. An
array carries its bounds and is read-only, so a chain of operations scans the elements
once rather than at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flopbench.errors import DimError

INT64 = np.iinfo(np.int64)
_LOWEST, _HIGHEST = int(INT64.min), int(INT64.max)

Bounds = tuple[int, int]


def _product_bounds(a: Bounds, b: Bounds) -> Bounds:
    products = [x * y for x in a for y in b]
    return min(products), max(products)


_BOUNDS: dict[Any, Callable[[Bounds, Bounds], Bounds]] = {
    np.add: lambda a, b: (a[0] + b[0], a[1] + b[1]),
    np.subtract: lambda a, b: (a[0] - b[1], a[1] - b[0]),
    np.multiply: _product_bounds,
    # An integer quotient is never larger in magnitude than its dividend.
    np.floor_divide: lambda a, b: (-max(map(abs, a)), max(map(abs, a))),
    np.remainder: lambda a, b: (-max(map(abs, b)), max(map(abs, b))),
    np.minimum: lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    np.maximum: lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
}
_NEUTRAL = {np.add: 0, np.multiply: 1}
"""Identity elements. They are common: batch 1, or an operation with nothing alive beside it."""

_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
_EXACT_FUNCTIONS = {
    np.array2string,
    np.array_equal,
    np.array_repr,
    np.array_str,
    np.broadcast_to,
    np.concatenate,
    np.ndim,
    np.reshape,
    np.shape,
    np.stack,
}
"""NumPy functions that move or show values and compute nothing."""


class IntArray(np.ndarray[Any, np.dtype[np.int64]]):
    """An int64 array whose ``+ - * // %``, minimum and maximum are exact or raise `DimError`.

    Its elements are Python ints, which do not wrap either.
    """

    @staticmethod
    def of(values: Any) -> IntArray:
        """Convert an integer array (any integer dtype, any shape) to an `IntArray`.

        Raises:
            DimError: the values are not integers, or one does not fit in int64.
        """
        if type(values) is IntArray:
            return values
        array = np.asarray(values)
        if array.dtype == object and all(isinstance(v, int) for v in array.flat):
            return _from_objects(array)
        if not np.issubdtype(array.dtype, np.integer):
            raise DimError(f"a dimension array must hold integers, not {array.dtype}")
        if array.size and int(array.max()) > INT64.max:
            raise DimError(f"{int(array.max())} does not fit in a 64-bit integer array")
        # A copy: the caller may write to its own array.
        return _sealed(array.astype(np.int64))

    _bounds: Bounds | None = None

    def bounds(self) -> Bounds:
        """Return lower and upper bounds of the elements; (0, 0) if there are none."""
        if self._bounds is None:
            bounds = _extremes(self)
            if self.flags.writeable:
                return bounds
            self._bounds = bounds
        return self._bounds

    def tightest_bounds(self) -> Bounds:
        """Return the minimum and maximum of the elements, and keep them as the bounds."""
        self._bounds = None
        return self.bounds()

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return int(found) if isinstance(found, np.integer) else found

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            if ufunc in _COMPARISONS:
                return ufunc(*map(_plain, inputs))
            if ufunc in _BOUNDS:
                unchanged = _unchanged(ufunc, *inputs)
                return _exact(ufunc, *inputs) if unchanged is None else unchanged
        if method == "reduce" and ufunc in (np.minimum, np.maximum):
            return ufunc.reduce(_plain(inputs[0]), **kwargs)
        raise _inexact(ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in _EXACT_FUNCTIONS:
            raise _inexact(func.__name__)
        found = func(*map(_plain_all, args), **kwargs)
        return _sealed(found) if isinstance(found, np.ndarray) else found


def _inexact(name: str) -> DimError:
    return DimError(f"{name} is not exact on dimensions: use + - * // %, minimum or maximum")


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, IntArray) else value


def _plain_all(value: Any) -> Any:
    return type(value)(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)


def _integers(value: Any) -> Any:
    """Return an operand as an int, an int64 array, or an object array if int64 is too small."""
    if type(value) is int:
        return value
    if type(value) is IntArray and value.dtype == np.int64:
        return value.view(np.ndarray)
    array = np.asarray(_plain(value))
    # A Python int beyond int64 arrives as an object.
    if np.issubdtype(array.dtype, np.integer) or isinstance(value, int):
        return array.astype(object if array.dtype == np.uint64 else np.int64, copy=False)
    raise DimError(f"a dimension array takes integers only, not {value!r}")


def _unchanged(ufunc: Any, first: Any, second: Any) -> IntArray | None:
    """Return the read-only operand that already is the result, or None."""
    for one, other in ((first, second), (second, first)):
        if type(one) is int and type(other) is IntArray and not other.flags.writeable:
            if ufunc in _NEUTRAL and one == _NEUTRAL[ufunc]:
                return other
            if ufunc is np.maximum and one <= other.bounds()[0]:
                return other
    return None


def _extremes(array: Any) -> Bounds:
    plain = _plain(array)
    return (int(plain.min()), int(plain.max())) if plain.size else (0, 0)


def _bounds(value: Any, operand: Any, *, tight: bool) -> Bounds:
    """Bound the elements of ``value``, whose plain form is ``operand``."""
    if type(value) is int:
        return value, value
    if isinstance(value, IntArray):
        return value.tightest_bounds() if tight else value.bounds()
    return _extremes(operand)


def _fits(*bounds: Bounds) -> bool:
    return all(low >= _LOWEST and high <= _HIGHEST for low, high in bounds)


def _exact(ufunc: Any, first: Any, second: Any) -> IntArray:
    a, b = _integers(first), _integers(second)
    if ufunc in (np.floor_divide, np.remainder) and np.any(np.equal(b, 0)):
        raise DimError("a dimension array was divided by zero")
    for tight in (False, True):
        of_a, of_b = _bounds(first, a, tight=tight), _bounds(second, b, tight=tight)
        result = _BOUNDS[ufunc](of_a, of_b)
        if _fits(result, of_a, of_b):
            return _sealed(np.asarray(ufunc(a, b)), result)
    return _from_objects(ufunc(np.asarray(a).astype(object), np.asarray(b).astype(object)))


def _from_objects(values: Any) -> IntArray:
    array = np.asarray(values, dtype=object)
    for value in array.flat:
        if not INT64.min <= value <= INT64.max:
            raise DimError(f"{value} does not fit in a 64-bit integer array")
    return _sealed(array.astype(np.int64))


def _sealed(array: Any, bounds: Bounds | None = None) -> IntArray:
    """Turn an array that nothing else refers to into a read-only `IntArray`."""
    sealed: IntArray = array.view(IntArray)
    sealed.setflags(write=False)
    sealed._bounds = bounds  # noqa: SLF001 - this function is part of the class
    return sealed
