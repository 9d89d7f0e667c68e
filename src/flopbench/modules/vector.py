"""Vector work of a dispatched op: its elements, and their FLOPs under the conventions.

What has no price is named, never taken as 0.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from attrs import frozen

from flopbench.conventions import Conventions
from flopbench.modules.liveness import is_view
from flopbench.modules.vector_tables import BIASES, ENTRIES, MOVES, PER_READ, PER_RESULT, POOLS

_COMPLEX_PRODUCT = 6
"""Four products and two sums; every other function of a complex number counts twice."""


@frozen
class PricedElements:
    """Vector work of one op.

    Attributes:
        kind: what priced it: an entry of the conventions, or the op's own name.
        elements: elements that it works on.
        flops: None if it has no price.
    """

    kind: str
    elements: Any
    flops: Any


def vector_work(
    func: Any, args: Any, kwargs: Any, out: Any, conventions: Conventions
) -> PricedElements | None:
    """Return the vector work of an op; None if it computes nothing.

    Of an op that does matrix work, it is the bias.

    Args:
        func: the op with its overload.
        args, kwargs: what it was called with.
        out: what it returned.
    """
    packet = func.overloadpacket.__name__
    name = packet.rstrip("_")
    result = out[0] if isinstance(out, tuple | list) and out else out
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    if not isinstance(result, torch.Tensor) or not tensors or not _floats((result, *tensors)):
        return None
    if name in BIASES:
        return _bias(args[BIASES[name]], result, conventions)
    if name in MOVES or is_view(func):
        return None
    return _priced(func, name, args, kwargs, result, conventions)


def _priced(
    func: Any, name: str, args: Any, kwargs: Any, result: torch.Tensor, conventions: Conventions
) -> PricedElements:
    if name in ENTRIES:
        return _entry(ENTRIES[name], result, conventions)
    if name == "gelu":
        approximate = kwargs.get("approximate") == "tanh"
        return _entry("gelu_tanh" if approximate else "gelu", result, conventions)
    read = next(a for a in args if isinstance(a, torch.Tensor)).numel()
    elements, per_element = _function(func, name, args, read, result.numel())
    if per_element is not None and result.is_complex():
        per_element *= 2
    return PricedElements(name, elements, None if per_element is None else elements * per_element)


def _function(func: Any, name: str, args: Any, read: Any, made: Any) -> tuple[Any, int | None]:
    """Return the elements that a function works on, and its FLOPs on each."""
    if name in PER_READ:
        return read, PER_READ[name]
    if name in POOLS:
        return made * _window(args[1], POOLS[name]), 1
    if torch.Tag.reduction in func.tags:
        return read, 1
    plain = torch.Tag.pointwise in func.tags and not name.endswith("_backward")
    return made, PER_RESULT.get(name, 1 if plain else None)


def _entry(entry: str, result: torch.Tensor, conventions: Conventions) -> PricedElements:
    per_element = int(getattr(conventions, entry))
    if result.is_complex():
        per_element *= _COMPLEX_PRODUCT if entry == "multiply" else 2
    return PricedElements(entry, result.numel(), result.numel() * per_element)


def _bias(bias: Any, result: torch.Tensor, conventions: Conventions) -> PricedElements | None:
    if bias is None:
        return None
    return PricedElements("bias", result.numel(), result.numel() * conventions.bias)


def _floats(tensors: tuple[torch.Tensor, ...]) -> bool:
    """Return whether floating-point numbers take part: indices and masks are no FLOPs."""
    return any(t.is_floating_point() or t.is_complex() for t in tensors)


def _window(size: Any, dimensions: int) -> int:
    sizes = list(size) if isinstance(size, list | tuple) else [size]
    return prod(sizes * dimensions if len(sizes) == 1 else sizes)
