"""What vendor plugins that run transformers models have in common."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import attrs
from attrs import frozen

from flopbench.dims import is_traced
from flopbench.errors import CountError

ATTENTION = "eager"
"""The only attention whose matmuls FlopCounterMode sees."""

EXPERTS = "batched_mm"
"""``grouped_mm`` has no formula in torch's registry, and ``eager`` experts loop over data."""


def _eager_only(_instance: object, _field: object, value: str) -> None:
    """Validate the option ``vendor.attention``, which exists to document its only value."""
    if value != ATTENTION:
        raise ValueError(
            "'attention' must be 'eager' (FlopCounterMode cannot see the matmuls of other "
            f"attention: ask for it on the analytic side, with --attention): {value}"
        )


@frozen(kw_only=True)
class VerifiedOptions:
    """What a user may set under ``vendor.`` for a model that only transformers runs.

    Attributes:
        attention: always ``eager``.
        decode: count five ``sampled`` steps and check that they lie on a line, or ``every`` step.
    """

    attention: str = attrs.field(default=ATTENTION, validator=_eager_only)
    decode: Literal["sampled", "every"] = "sampled"


def require_eager(model: Any) -> None:
    """Refuse a model if any part of it uses another attention than eager.

    Raises:
        CountError: a sub-module's config names another attention.
    """
    for name, module in model.named_modules():
        attention = getattr(getattr(module, "config", None), "_attn_implementation", ATTENTION)
        if attention != ATTENTION:
            raise CountError(
                f"the vendor's {name or 'model'} uses {attention} attention, not {ATTENTION}"
            )


def fill_cache(
    cache: Any,
    shapes: Iterable[tuple[int, int, int] | None],
    batch: Any,
    tokens: Any,
    **options: Any,
) -> Any:
    """Put ``tokens`` tokens per sequence into a KV cache, so that any step can be called alone.

    The cache's own ``update`` gets uninitialised [batch, heads, tokens, width] tensors: it knows
    what a sliding window keeps. Layers that are alike hold the same tensors, which have no values.

    Args:
        shapes: for each layer, the heads and the widths of a key and of a value; None for a layer
            without its own keys.
        options: device and dtype, for ``torch.empty``.
    """
    import torch

    # Do not compare a traced number of tokens with 0: it never is 0.
    if not is_traced(tokens) and not tokens:
        return cache
    filled: dict[Hashable, Any] = {}
    for index, shape in enumerate(shapes):
        if shape is None:
            continue
        kind = _kind(cache, index)
        if kind is not None and (kind, shape) in filled:
            # With sizes that are symbols each tensor takes a millisecond.
            vars(cache.layers[index]).update(vars(filled[kind, shape]))
            continue
        heads, *widths = shape
        states = (torch.empty(batch, heads, tokens, width, **options) for width in widths)
        cache.update(*states, index)
        if kind is not None:
            filled[kind, shape] = cache.layers[index]
    return cache


def _kind(cache: Any, index: int) -> Hashable:
    """Return what tells an empty layer from others; None if there is none, or it may not say."""
    layers = getattr(cache, "layers", ())
    if index >= len(layers):
        return None
    values = vars(layers[index])
    plain = all(isinstance(value, _PLAIN) for value in values.values())
    return (type(layers[index]), *values.items()) if plain else None


_PLAIN = (int, float, str, type(None))
