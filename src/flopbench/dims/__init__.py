"""Sizes: ints, integer arrays or symbols, and helpers for formulas that run on all three."""

from flopbench.dims.dim import (
    Dim,
    all_or_none,
    as_dim,
    at_most_one,
    ceil_div,
    consecutive_sum,
    dim_field,
    elementwise,
    halve,
    is_array,
    is_symbolic,
    is_traced,
    is_zero,
    maximum,
    minimum,
    triangle,
    where,
)
from flopbench.dims.dtypes import DEFAULT_DTYPE, DTYPE_BYTES, element_bytes
from flopbench.dims.real import Real, as_real, expected_distinct

__all__ = [
    "DEFAULT_DTYPE",
    "DTYPE_BYTES",
    "Dim",
    "Real",
    "all_or_none",
    "as_dim",
    "as_real",
    "at_most_one",
    "ceil_div",
    "consecutive_sum",
    "dim_field",
    "element_bytes",
    "elementwise",
    "expected_distinct",
    "halve",
    "is_array",
    "is_symbolic",
    "is_traced",
    "is_zero",
    "maximum",
    "minimum",
    "triangle",
    "where",
]
