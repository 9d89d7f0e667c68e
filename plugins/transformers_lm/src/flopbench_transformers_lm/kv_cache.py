"""Fill a model's own KV cache to a given length, so that any decode step can be called directly."""

from __future__ import annotations

import copy
from typing import Any

from flopbench.vendor.transformers import fill_cache

_FILLED_BY_LENGTH = frozenset({"DynamicLayer", "DynamicSlidingWindowLayer"})
"""Cache layers that are fully described by the keys and values of a number of tokens.

Others also hold recurrent states or an index.
"""


_DESCRIBED = frozenset({"DynamicCache", "MtpCache"})
"""Caches that are described by their layers."""


def fill_like(cache: Any, batch: Any, tokens: Any) -> Any:
    """Return the cache as a prefill of ``tokens`` tokens leaves it, based on one of any length.

    Keys and values are uninitialised [batch, heads, tokens, width] tensors. They are passed to
    the cache's own ``update``, which knows what a sliding window keeps. Each layer has the heads
    and widths that the model put there.

    Returns:
        The cache, or None if its length does not fully describe it.
    """
    kinds = {type(layer).__name__ for layer in getattr(cache, "layers", ())}
    if type(cache).__name__ not in _DESCRIBED or not kinds or kinds - _FILLED_BY_LENGTH:
        return None
    filled = copy.copy(cache)
    filled.layers = [copy.copy(layer) for layer in cache.layers]
    filled.reset()
    if filled.get_seq_length():
        return None
    # A layer that uses another's keys has none of its own.
    kept = [layer if layer.is_initialized else None for layer in cache.layers]
    shapes = [k and (k.keys.shape[1], k.keys.shape[3], k.values.shape[3]) for k in kept]
    dtype = next(k.keys.dtype for k in kept if k)
    return fill_cache(filled, shapes, batch, tokens, dtype=dtype, device="meta")
