"""Dimensions: the integers, integer arrays and symbols that formulas work on.

A `Dim` is a Python int (exact, unbounded), an integer NumPy array (a whole sweep in one
evaluation, see `flopbench.dims.arrays`) or a SymPy expression (the closed form). A formula
written with ``+ - * //`` and the helpers below runs on all three.

The checks consult NumPy and SymPy only if the caller has imported them, so pricing plain
ints loads neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from flopbench.errors import DimError

if TYPE_CHECKING:
    import sympy

    from flopbench.dims.arrays import IntArray

    Dim: TypeAlias = int | IntArray | sympy.Expr
else:
    Dim = Any


def is_array(value: object) -> bool:
    """Return whether ``value`` is a NumPy array."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def is_symbolic(value: object) -> bool:
    """Return whether ``value`` is a SymPy expression."""
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, sympy.Expr)


def is_zero(value: object) -> bool:
    """Return whether ``value`` is the number 0, also as a SymPy expression; never for an array."""
    return (isinstance(value, int | float) or is_symbolic(value)) and bool(value == 0)


def all_or_none(value: Any, of_what: str) -> bool:
    """Return whether a size is not 0; of an array, whether all are or none is.

    Args:
        of_what: what it is a number of, for the error.

    Raises:
        ValueError: some sizes of an array are 0, and others are not.
    """
    if not is_array(value):
        return not is_zero(value)
    low, high = value.tightest_bounds()
    if low <= 0 <= high and low != high:
        raise ValueError(f"some have {of_what}, others do not")
    return bool(high)


def is_one(size: Any) -> bool:
    """Return whether a size is 1; of an array, whether all sizes are. An open size is not.

    Raises:
        ValueError: some sizes of an array are 1, and others are not.
    """
    return not all_or_none(size - 1, "one alone")


def is_traced(value: object) -> bool:
    """Return whether ``value`` is a size in a traced vendor call: one of torch's symbolic ints."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.SymInt)


def as_dim(value: Any) -> Dim:
    """Convert an int, an integer array or a SymPy expression to a dimension.

    A traced size passes through unchanged: asking for its sign would bind the trace to the answer.

    Raises:
        DimError: ``value`` is something else (a float, a bool), or negative in any element.
    """
    if is_symbolic(value):
        if value.is_negative or value.is_integer is False:
            raise DimError(f"a dimension must be a non-negative integer, got {value}")
        return value
    if is_traced(value):
        traced: Dim = value
        return traced
    if is_array(value):
        from flopbench.dims.arrays import IntArray

        array = IntArray.of(value)
        low = array.bounds()[0]
        if low < 0:
            low = array.tightest_bounds()[0]
        if low < 0:
            raise DimError(f"a dimension must not be negative, got {low} in an array")
        return array
    return _as_int(value)


def _as_int(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise DimError(
            f"a dimension must be an int, an integer array or a SymPy expression, got {value!r}"
        )
    number = int(value.__index__())
    if number < 0:
        raise DimError(f"a dimension must not be negative, got {number}")
    return number


def dim_field(default: Any = attrs.NOTHING) -> Any:
    """Declare an attrs field that holds a `Dim`."""
    return attrs.field(default=default, converter=as_dim)


def ceil_div(a: Dim, b: Dim) -> Dim:
    """Divide and round up: the number of blocks of ``b`` that cover ``a``."""
    if is_symbolic(a) or is_symbolic(b):
        import sympy

        return sympy.ceiling(sympy.sympify(a) / b)
    return (a + b - 1) // b


def minimum(a: Dim, b: Dim) -> Dim:
    """Return the smaller of two dimensions, element by element."""
    return _extreme("min", a, b)


def maximum(a: Dim, b: Dim) -> Dim:
    """Return the larger of two dimensions, element by element."""
    return _extreme("max", a, b)


def _extreme(which: str, a: Any, b: Any) -> Any:
    if is_symbolic(a) or is_symbolic(b):
        import sympy

        return sympy.Min(a, b) if which == "min" else sympy.Max(a, b)
    if is_array(a) or is_array(b):
        import numpy as np

        return np.minimum(a, b) if which == "min" else np.maximum(a, b)
    return min(a, b) if which == "min" else max(a, b)


def where(condition: Any, a: Dim, b: Dim) -> Dim:
    """Return ``a`` where a comparison of dimensions holds and ``b`` where it does not."""
    if isinstance(condition, bool):
        return a if condition else b
    if is_array(condition):
        import numpy as np

        from flopbench.dims.arrays import IntArray

        return IntArray.of(np.where(condition, np.asarray(a), np.asarray(b)))
    import sympy

    return sympy.Piecewise((a, condition), (b, True))


def elementwise(function: Callable[..., int], *dims: Dim) -> Dim:
    """Apply a function of ints to dimensions that may be ints or arrays."""
    if not any(is_array(dim) for dim in dims):
        return function(*map(int, dims))
    import numpy as np

    from flopbench.dims.arrays import IntArray

    columns = np.broadcast_arrays(*(np.asarray(dim) for dim in dims))
    values = [function(*map(int, row)) for row in zip(*(c.flat for c in columns), strict=True)]
    return IntArray.of(np.array(values, dtype=object).reshape(columns[0].shape))


def halve(a: Dim) -> Dim:
    """Halve an even dimension exactly: a product of consecutive integers, say.

    On symbols, ``//`` would leave a needless floor in the result.
    """
    return a / 2 if is_symbolic(a) else a // 2


def triangle(n: Dim) -> Dim:
    """Return 1 + 2 + … + n."""
    return halve(n * (n + 1))


def consecutive_sum(first: Dim, count: Dim) -> Dim:
    """Return first + (first + 1) + … over ``count`` terms; 0 if there are none."""
    return count * first + halve(count * (count - 1))


def at_most_one(n: Any) -> Dim:
    """Return 1 where ``n`` is at least 1 and 0 where it is 0.

    For what happens once or not at all, such as reading a table of weights.
    """
    if is_symbolic(n) and n.is_positive:
        return 1
    if is_array(n) and n.size and n.tightest_bounds()[0] >= 1:
        return 1
    return minimum(n, 1)
