"""Fill a model's own cache to a given length, so that any decode step can be called directly."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from flopbench.dims import is_traced
from flopbench.vendor.transformers import fill_cache

_FILLED = frozenset(
    {
        "DummyLayer",
        "DynamicIndexedLayer",
        "DynamicLayer",
        "DynamicSlidingWindowLayer",
        "LinearAttentionAndFullAttentionLayer",
        "LinearAttentionAndSlidingWindowAttentionLayer",
        "LinearAttentionLayer",
        "MiniMaxM3VLSparseCacheLayer",
    }
)
"""Cache layers that hold keys and values of a number of tokens, recurrent states, or an index."""

_DESCRIBED = frozenset({"DynamicCache", "MiniMaxCache", "MtpCache"})
"""Caches that are described by their layers and recurrent states."""

_RECURRENT = ("conv_states", "recurrent_states", "linear_cache", "rnn_state")
"""Where caches and their layers hold recurrent states.

Each pass overwrites them. The sequence is their first dimension; no number of tokens changes their
shape.
"""

_FLAGS = ("is_conv_states_initialized", "is_recurrent_states_initialized", "has_previous_state")
"""Whether a layer has recurrent states, by their number."""

_INDEXES = {"indexer_keys": ("update_indexer", 1), "idx_keys": ("update_index", 2)}
"""Where layers hold an index of their tokens: what adds tokens to it, and the tokens' dimension."""


_KEYS = frozenset({"DummyLayer", "DynamicLayer", "DynamicSlidingWindowLayer"})
"""Cache layers of keys and values."""


def keys_alone(cache: Any) -> bool:
    """Return whether a cache holds keys and values, and nothing else."""
    kinds = {type(layer).__name__ for layer in getattr(cache, "layers", ())}
    return type(cache).__name__ == "DynamicCache" and bool(kinds) and kinds <= _KEYS


def fill_like(cache: Any, batch: Any, tokens: Any) -> Any:
    """Return the cache as a prefill of ``tokens`` tokens leaves it, based on one sequence's.

    Keys and values are uninitialised [batch, heads, tokens, width] tensors. They are passed to
    the cache's own ``update``, which knows what a sliding window keeps. Each layer has the heads
    and widths that the model put there.

    Returns:
        The cache, or None if its length does not fully describe it.
    """
    if isinstance(cache, list | tuple) or hasattr(cache, "rnn_state"):
        by_token = isinstance(cache, list | tuple) and any(state.shape[0] != 1 for state in cache)
        return None if by_token else _of_batch(cache, batch)
    layers = getattr(cache, "layers", ())
    kinds = {type(layer).__name__ for layer in layers}
    if type(cache).__name__ not in _DESCRIBED or not kinds or kinds - _FILLED:
        return None
    if any(getattr(layer, "indexer_position_ids", None) is not None for layer in layers):
        return None
    filled = _of_batch(cache, batch)
    filled.layers = [_emptied(layer) for layer in layers]
    if any(getattr(layer, "keys", None) is not None for layer in filled.layers):
        return None  # an older transformers, whose reset keeps the keys
    # Do not compare a traced number of tokens with 0: it never is 0.
    if not is_traced(tokens) and not tokens:
        return filled
    # A layer that uses another's keys has none of its own.
    keys = [getattr(layer, "keys", None) for layer in layers]
    shapes = [
        None if k is None else (k.shape[1], k.shape[3], layer.values.shape[3])
        for k, layer in zip(keys, layers, strict=True)
    ]
    dtype = next((k.dtype for k in keys if k is not None), None)
    fill_cache(filled, shapes, batch, tokens, dtype=dtype, device="meta")
    for mine, like in zip(filled.layers, layers, strict=True):
        _fill_rest(mine, like, batch, tokens)
    return filled


def _emptied(layer: Any) -> Any:
    """Return a layer as before any token; the other stays as it is."""
    empty = copy.copy(layer)
    for name in (*_RECURRENT, *_FLAGS):
        if isinstance(states := getattr(layer, name, None), dict):
            setattr(empty, name, dict.fromkeys(states, False if name in _FLAGS else None))
    empty.reset()
    return empty


def _fill_rest(layer: Any, like: Any, batch: Any, tokens: Any) -> None:
    """Give an emptied layer what it holds beside keys and values, as another has it."""
    for name in _FLAGS:
        if hasattr(like, name):
            setattr(layer, name, dict(getattr(like, name)))
    for name in _RECURRENT:
        if hasattr(like, name):
            setattr(layer, name, _each_of_batch(getattr(like, name), batch))
    for name, (update, dimension) in _INDEXES.items():
        if (index := getattr(like, name, None)) is not None:
            shape = [batch, *index.shape[1:]]
            shape[dimension] = tokens
            getattr(layer, update)(_empty(shape, index))


def _of_batch(cache: Any, batch: Any) -> Any:
    """Return a cache, or bare states, with its own recurrent states for a number of sequences."""
    if isinstance(cache, list | tuple):
        return _each_of_batch(cache, batch)
    other = copy.copy(cache)
    for name in _RECURRENT:
        if hasattr(cache, name):
            setattr(other, name, _each_of_batch(getattr(cache, name), batch))
    return other


def _each_of_batch(states: Any, batch: Any) -> Any:
    """Return nested states for a number of sequences, which is the first size of each."""
    if isinstance(states, Mapping):
        return {key: _each_of_batch(state, batch) for key, state in states.items()}
    if isinstance(states, list | tuple):
        return type(states)(_each_of_batch(state, batch) for state in states)
    return None if states is None else _empty((batch, *states.shape[1:]), states)


def _empty(shape: Any, like: Any) -> Any:
    import torch

    return torch.empty(*shape, dtype=like.dtype, device="meta")
