"""Sizes of images have values, pixels have none: what reads both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from flopbench_transformers_vlm.grids import SymbolicSizes
from flopbench_transformers_vlm.shapes import resized, unfolded
from flopbench_transformers_vlm.uniform import (
    all_at_once,
    holds,
    none_is_zero,
    one_item,
    selected,
)

_ANSWERS: Mapping[Any, Callable[..., Any]] = {
    torch.Tensor.eq: none_is_zero,
    torch.Tensor.__eq__: none_is_zero,
    torch.Tensor.__bool__: holds,
    torch.Tensor.__getitem__: selected,
    torch.Tensor.__len__: one_item,
    torch.Tensor.unbind: all_at_once,
    torch.nn.functional.interpolate: resized,
    torch.nn.functional.unfold: unfolded,
}
"""What is asked of pixels without values, and who answers; None leaves it to torch."""


class MixedDevices(TorchFunctionMode):
    """Lets tensors on the CPU meet those on the meta device, as tensors without values.

    Towers compute segments, positions and windows from the sizes of images. On the CPU they find
    the values that they ask for; where such a tensor meets pixels, its values no longer matter. A
    single number keeps its value: it may be the size of a shape, and torch lets it meet all others.
    Some ask which images hold pixels, and whether none is padding: all do.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        answer = _ANSWERS.get(func)
        if answer and isinstance(args[0], torch.Tensor) and args[0].is_meta:
            found = answer(*args, **kwargs)
            if found is not None:
                return found
        if func in _MAKERS and isinstance(args[0], SymbolicSizes):
            return args[0]
        if func in _MAKERS and torch.device(kwargs.get("device") or "cpu").type == "meta":
            kwargs = {**kwargs, "device": "cpu"}  # it has values: they are kept
        if func is torch.Tensor.to and _loses_values(*args):
            return args[0].to(*args[2:], **kwargs) if args[2:] or kwargs else args[0]
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        if any(each.is_meta for each in tensors) and not all(each.is_meta for each in tensors):
            args, kwargs = tree_map(_to_meta, (args, kwargs))
        return func(*args, **kwargs)


_MAKERS = frozenset({torch.as_tensor, torch.tensor})
"""What makes tensors of values, or of what stands for them."""


def _loses_values(tensor: Any, device: Any = None, *_others: Any) -> bool:
    """Return whether sizes on the CPU are moved to where the pixels are."""
    if tensor.is_meta or tensor.is_floating_point() or not isinstance(device, str | torch.device):
        return False
    return torch.device(device).type == "meta"


def _to_meta(value: Any) -> Any:
    """Return a tensor without values, or a size as the number that it is."""
    if not isinstance(value, torch.Tensor) or value.is_meta:
        return value
    if value.dim() == 0:
        return value if value.is_floating_point() else value.item()
    return value.to("meta")
