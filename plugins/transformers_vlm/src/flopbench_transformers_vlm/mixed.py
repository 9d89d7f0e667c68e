"""Sizes of images have values, pixels have none: what reads both."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map


class MixedDevices(TorchFunctionMode):
    """Lets tensors on the CPU meet those on the meta device, as tensors without values.

    Towers compute segments, positions and windows from the sizes of images. On the CPU they find
    the values that they ask for; where such a tensor meets pixels, its values no longer matter. A
    single number keeps its value: it may be the size of a shape, and torch lets it meet all others.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MAKERS and torch.device(kwargs.get("device") or "cpu").type == "meta":
            kwargs = {**kwargs, "device": "cpu"}  # it has values: they are kept
        tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        if any(each.is_meta for each in tensors) and not all(each.is_meta for each in tensors):
            args, kwargs = tree_map(_to_meta, (args, kwargs))
        return func(*args, **kwargs)


_MAKERS = frozenset({torch.as_tensor, torch.tensor})


def _to_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, torch.Tensor) and value.dim() else value
