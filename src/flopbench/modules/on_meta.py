"""Run any code on meta tensors, wherever its tensors are: shapes alone, no arithmetic.

The count of a call must not depend on where its weights are, and a CPU or a GPU runs kernels that
hide their work. So each tensor that meets an op is taken to ``meta`` first, and so is each tensor
that an op makes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

from flopbench.modules.copies import META, Copies

_CONSTANTS = frozenset({torch.ops.aten.lift_fresh.default, torch.ops.aten.lift_fresh_copy.default})
"""Ops that take in the numbers of ``torch.tensor(3)``; their values stay known."""


class OnMeta(TorchDispatchMode):
    """Takes each tensor to meta before an op sees it, and makes new ones there."""

    def __init__(self, copies: Copies) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.copies = copies

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.ops.prim.device.default:
            # Fake tensors ask for this more often than for anything else.
            return getattr(args[0], "fake_device", META)
        if func in _CONSTANTS:
            return func(*args, **kwargs)
        if self.copies.numbers and self._are_numbers(args):
            return self._of_numbers(func, args, kwargs)
        args, kwargs = tree_map(self._operand, (args, kwargs))
        if func is torch.ops.aten.resize_as_.default:
            # Torch refuses to take in tensors that a change of size only reads.
            args = (args[0], args[1].detach(), *args[2:])
        if "device" in kwargs or _makes(func):
            kwargs |= {"device": META}
        if "generator" in kwargs:
            kwargs["generator"] = None
        return func(*args, **kwargs)

    def _are_numbers(self, args: Any) -> bool:
        tensors = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
        return bool(tensors) and all(tensor in self.copies.numbers for tensor in tensors)

    def _of_numbers(self, func: Any, args: Any, kwargs: Any) -> Any:
        """Compute with numbers really."""
        with _disable_current_modes():
            out = func(*args, **kwargs)
        for result in tree_leaves(out):
            if isinstance(result, torch.Tensor):
                self.copies.numbers[result] = None
        return out

    def _operand(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or value.device == META:
            return value
        # A number in a tensor may be asked for its value, and meets any device.
        if isinstance(value, FakeTensor) and value.constant is not None and value.dim() == 0:
            return value
        return self.copies.tensor(value)


@cache
def _makes(func: Any) -> bool:
    """Return whether an op takes a device."""
    schema = getattr(func, "_schema", None)
    return schema is not None and any(argument.name == "device" for argument in schema.arguments)
