"""Formulas of attention, and of layers with attention, in one kernel."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flopbench.conventions import MAC_FLOPS


def core(query: Any, key: Any, value: Any, *_args: Any, **_: Any) -> Any:
    """Return 2 s (e + v) per query: its products with the s keys and, weighted, with the values.

    The sizes are [batch, heads, sequence, width]. As in torch's formulas of its other kernels, a
    mask hides no pair; keys and values that several heads share are read by each.
    """
    return MAC_FLOPS * _pairs(query, key) * (query.shape[-1] + value.shape[-1])


def core_backward(_grad: Any, query: Any, key: Any, value: Any, *_args: Any, **_: Any) -> Any:
    """Return the FLOPs of the gradients of `core`: five products (FlashAttention, algorithm 4).

    The scores are computed again (e), then the gradients of the weights and of the values (v each),
    and those of the queries and of the keys (e each). An attention that keeps its scores, as on
    ``meta``, does not compute them again: 2 s e less per query.
    """
    return MAC_FLOPS * _pairs(query, key) * (3 * query.shape[-1] + 2 * value.shape[-1])


def _pairs(query: Any, key: Any) -> Any:
    return prod(query.shape[:-1]) * key.shape[-2]


def multi_head(query: Any, key: Any, _value: Any, width: int, *_args: Any, **_: Any) -> Any:
    """Return the FLOPs of ``nn.MultiheadAttention``'s fast path.

    Queries, keys, values and the result are each projected: 2 d d per token. Scores and context
    cost 2 d each per pair, over all heads. Nested sequences are projected without padding, but
    attend padded to the longest.
    """
    tokens, queries, batch = _tokens(query)
    key_tokens, keys, _batch = _tokens(key)
    projections = (2 * tokens + 2 * key_tokens) * width * width
    return MAC_FLOPS * (projections + 2 * batch * queries * keys * width)


def encoder_layer(source: Any, width: int, *args: Any, **_: Any) -> Any:
    """Return the FLOPs of ``nn.TransformerEncoderLayer``'s fast path.

    It is self-attention, and two linear layers between the width and that of the hidden layer.
    """
    hidden = args[_FIRST_LINEAR].shape[0]
    attention = multi_head(source, source, source, width)
    return attention + MAC_FLOPS * 2 * _tokens(source)[0] * width * hidden


_FIRST_LINEAR = 12
"""Where the weight of the first linear layer, [hidden, width], is after the op's width."""


def _tokens(sequences: Any) -> tuple[Any, Any, Any]:
    """Return how many tokens sequences have, how long the longest is, and how many they are."""
    if not sequences.is_nested:
        batch, length = sequences.shape[:2]
        return batch * length, length, batch
    lengths = [sequence.shape[0] for sequence in sequences.unbind()]
    return sum(lengths), max(lengths), len(lengths)


FORMULAS: dict[str, Callable[..., Any]] = {
    "_native_multi_head_attention": multi_head,
    "_scaled_dot_product_attention_math_for_mps": core,
    "_scaled_dot_product_flash_attention_for_cpu": core,
    "_scaled_dot_product_flash_attention_for_cpu_backward": core_backward,
    "_scaled_dot_product_fused_attention_overrideable": core,
    "_scaled_dot_product_fused_attention_overrideable_backward": core_backward,
    "_transformer_encoder_layer_fwd": encoder_layer,
}
"""By the name of the op."""
