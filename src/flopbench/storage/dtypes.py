"""Bits per element of the data types that tensors may be stored in."""

from __future__ import annotations

from collections.abc import Mapping

from flopbench.dims import Dim, ceil_div
from flopbench.errors import UsageError

DTYPE_BITS: Mapping[str, int] = {
    "float64": 64,
    "float32": 32,
    "bfloat16": 16,
    "float16": 16,
    "float8": 8,
    "int8": 8,
    "float4": 4,
    "int4": 4,
}
"""By name: PyTorch's where it has one; ``float8`` and ``float4`` whatever the exponent has."""

ALIASES: Mapping[str, str] = {
    "fp64": "float64",
    "fp32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
    "half": "float16",
    "fp8": "float8",
    "fp8_e4m3": "float8",
    "fp8_e5m2": "float8",
    "float8_e4m3fn": "float8",
    "float8_e4m3fnuz": "float8",
    "float8_e5m2": "float8",
    "float8_e5m2fnuz": "float8",
    "float8_e8m0fnu": "float8",
    "uint8": "int8",
    "fp4": "float4",
    "float4_e2m1fn_x2": "float4",
    "uint4": "int4",
}
"""Other names: short ones, and those of PyTorch for types of the same size."""


def is_dtype(name: object) -> bool:
    """Return whether a name or another name of a type is known."""
    return isinstance(name, str) and (name in DTYPE_BITS or name in ALIASES)


def dtype_named(name: str) -> str:
    """Return the name in `DTYPE_BITS` of a type with that or another name.

    Raises:
        UsageError: there is no such type.
    """
    if not is_dtype(name):
        raise UsageError(f"dtype must be one of {', '.join(DTYPE_BITS)}, got {name!r}")
    return ALIASES.get(name, name)


def dtype_bits(dtype: str) -> int:
    """Return the bits of an element.

    Raises:
        UsageError: there is no such type.
    """
    return DTYPE_BITS[dtype_named(dtype)]


def bytes_of(elements: Dim, dtype: str) -> Dim:
    """Return the bytes of packed elements: whole bytes, so the last one may be half used."""
    bits = DTYPE_BITS.get(dtype) or dtype_bits(dtype)
    return packed_bytes(elements, bits)


def packed_bytes(elements: Dim, bits: int, word: int = 8) -> Dim:
    """Return the bytes of elements of ``bits`` bits, packed into words of ``word`` bits.

    Elements may cross the border of two words; the last word may be partly used.
    """
    if bits % word == 0:
        return elements * (bits // 8)
    return ceil_div(elements * bits, word) * (word // 8)
