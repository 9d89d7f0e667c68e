"""Bytes per element of the data types that weights, activations and caches may have."""

from __future__ import annotations

from typing import Any

from flopbench.errors import UsageError

DTYPE_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8}
"""The keys are the names that PyTorch and the ``config.json`` of checkpoints use."""

DEFAULT_DTYPE = "bfloat16"


def element_bytes(dtype: Any) -> int:
    """Return the number of bytes per element.

    Raises:
        UsageError: ``dtype`` is not a name in `DTYPE_BYTES`.
    """
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise UsageError(f"dtype must be one of {', '.join(DTYPE_BYTES)}, got {dtype!r}")
    return DTYPE_BYTES[dtype]
