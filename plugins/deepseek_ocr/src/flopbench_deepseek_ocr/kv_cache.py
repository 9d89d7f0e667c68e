"""Fill a transformers cache to a length, so that any decode step can be called on its own."""

from __future__ import annotations

from typing import Any

from flopbench.dims import is_traced
from flopbench_deepseek_ocr.architecture import Decoder


def fill_cache(cache: Any, decoder: Decoder, batch: Any, tokens: Any, **options: Any) -> Any:
    """Put ``tokens`` tokens per sequence into every layer of ``cache``, and return it.

    Keys and values are uninitialised [batch, kv_heads, tokens, head_dim] tensors.

    Args:
        options: device and dtype, for ``torch.empty``.
    """
    import torch

    # A traced number of tokens is not asked whether it is 0: it never is.
    if is_traced(tokens) or tokens:
        states = torch.empty(batch, decoder.kv_heads, tokens, decoder.head_dim, **options)
        for layer in range(decoder.layers):
            cache.update(states, states, layer)
    return cache
