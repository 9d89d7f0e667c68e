"""Fill a model's own KV cache to a length, so that any decode step can be called on its own."""

from __future__ import annotations

import copy
from typing import Any

_FILLED_BY_LENGTH = frozenset({"DynamicLayer", "DynamicSlidingWindowLayer"})
"""Layers of a cache that keys and values of so many tokens say all about.

Others hold recurrent states or an index beside them.
"""


def fill_like(cache: Any, batch: Any, tokens: Any) -> Any:
    """Return the cache as a prefill of ``tokens`` tokens leaves it, made of one of any length.

    Keys and values are uninitialised [batch, heads, tokens, width] tensors, given to the
    cache's own ``update``: it knows what a sliding window keeps. Heads and widths of each layer
    are those that the model put there.

    Returns:
        None if length says not all about such a cache.
    """
    import torch

    kinds = {type(layer).__name__ for layer in getattr(cache, "layers", ())}
    if type(cache).__name__ != "DynamicCache" or not kinds or kinds - _FILLED_BY_LENGTH:
        return None
    filled = copy.copy(cache)
    filled.layers = [copy.copy(layer) for layer in cache.layers]
    filled.reset()
    if filled.get_seq_length():
        return None
    for index, layer in enumerate(cache.layers):
        if layer.is_initialized:  # a layer that uses another's keys has none
            keys, values = (
                torch.empty(
                    batch, old.shape[1], tokens, old.shape[3], dtype=old.dtype, device="meta"
                )
                for old in (layer.keys, layer.values)
            )
            filled.update(keys, values, index)
    return filled
