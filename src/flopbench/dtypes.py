"""Bytes per element of the data types that weights, activations and caches may have."""

from __future__ import annotations

DTYPE_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8}
"""By the names that PyTorch and the ``config.json`` of checkpoints use."""

DEFAULT_DTYPE = "bfloat16"
