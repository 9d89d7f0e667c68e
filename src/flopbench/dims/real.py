"""Real numbers besides dimensions: expected values, which need not be whole.

A `Real` is a float, a float64 array or a SymPy expression. It is the only inexact number in a
price.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from flopbench.dims import Dim
from flopbench.dims.dim import is_array, is_symbolic
from flopbench.errors import DimError

Real: TypeAlias = Any


def as_real(value: Dim) -> Real:
    """Convert a dimension to a real: symbols stay as they are, all else becomes floating point.

    Raises:
        DimError: it is too large for floating point.
    """
    if is_symbolic(value):
        return value
    if is_array(value):
        import numpy as np

        return np.asarray(value).view(np.ndarray).astype(np.float64)
    try:
        return float(value)
    except OverflowError as error:
        raise DimError(
            f"a size leads to a number of {int(value).bit_length()} bits, beyond floating point"
        ) from error


def expected_distinct(kinds: Dim, chosen: Dim, draws: Dim) -> Real:
    """Return how many of ``kinds`` to expect in ``draws`` draws of ``chosen`` distinct ones each.

    Each draw misses a given kind with probability 1 - chosen/kinds, independently of the
    others, so the expected number of kinds seen is kinds * (1 - (1 - chosen/kinds)^draws): the
    coupon collector's expectation with group drawings (W. Stadje, "The collector's problem with
    group drawings", Adv. Appl. Prob. 22, 1990), for equally likely kinds.
    """
    if any(map(is_symbolic, (kinds, chosen, draws))):
        import sympy

        return kinds * (1 - (1 - sympy.sympify(chosen) / kinds) ** draws)
    if not any(map(is_array, (kinds, chosen, draws))):
        return kinds * (1.0 - math.pow(1.0 - chosen / kinds, draws))
    n, k, times = (as_real(value) for value in (kinds, chosen, draws))
    return n * (1.0 - (1.0 - k / n) ** times)
