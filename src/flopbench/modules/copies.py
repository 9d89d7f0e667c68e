"""Copies of tensors on ``meta``, and of what holds them: shapes alone, no values."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

import torch
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_map
from torch.utils.weak import WeakIdKeyDictionary

from flopbench.errors import UsageError, unknown

META = torch.device("meta")


class Copies:
    """Copies of values with their tensors on meta: the same tensor has the same copy.

    Attributes:
        dtype: the dtype of floating tensors; None leaves each its own.
        numbers: tensors on the CPU whose values the program reads; they are not copied.
    """

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype
        self._tensors = WeakIdKeyDictionary()
        self.numbers = WeakIdKeyDictionary()
        self._gradients: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        self._objects: dict[int, tuple[Any, Any]] = {}

    def of(self, value: Any) -> Any:
        """Return a value with its tensors on meta, in containers that are new."""
        return tree_map(self._leaf, value, is_leaf=lambda v: isinstance(v, PackedSequence))

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the copy of a tensor, of its shape, strides and kind."""
        found: Any = self._tensors.get(tensor)  # type: ignore[no-untyped-call]
        if found is None:
            found = self._tensors[tensor] = self._copied(tensor)
            if tensor.is_leaf and tensor.requires_grad:
                self._gradients.append((tensor, tensor.grad))
                _hook_alike(tensor, found)
        copied: torch.Tensor = found
        return copied

    def made(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the copy of a tensor if there is one, or else the tensor."""
        found: torch.Tensor = self._tensors.get(tensor, tensor)  # type: ignore[no-untyped-call]
        return found

    def put_gradients_back(self) -> None:
        """Give each tensor the gradient that it had when it was copied."""
        for tensor, gradient in self._gradients:
            if tensor.grad is not gradient:
                tensor.grad = gradient

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, PackedSequence):
            # Its batch sizes are numbers that the program reads, and stay where they are.
            data, sizes, *order = value
            self.numbers[sizes] = None
            return PackedSequence(self.of(data), sizes, *map(self.of, order))
        if not _holds_tensors(value, set()):
            return value
        if id(value) not in self._objects:
            copied = copy.copy(value)
            self._objects[id(value)] = value, copied
            for name, held in vars(value).items():
                object.__setattr__(copied, name, self.of(held))
        return self._objects[id(value)][1]

    def _copied(self, tensor: torch.Tensor) -> torch.Tensor:
        dtype = self.dtype if self.dtype and tensor.is_floating_point() else tensor.dtype
        with ExitStack() as stack:
            # Within vmap or grad, a weight is no part of what is mapped or derived.
            stack.enter_context(temporarily_clear_interpreter_stack())
            # A symbolic size is known only within the modes that are active.
            if not isinstance(tensor, FakeTensor):
                stack.enter_context(_disable_current_modes())
            if torch.nn.parameter.is_lazy(tensor):
                lazy: torch.Tensor = cast("Any", type(tensor))(device=META, dtype=dtype)
                return lazy
            copied = tensor.detach().to(device=META, dtype=dtype)
            if isinstance(tensor, torch.nn.Parameter):
                copied = torch.nn.Parameter(copied, requires_grad=tensor.requires_grad)
                vars(copied).update(vars(tensor))
            return copied.requires_grad_(tensor.requires_grad)


def _hook_alike(tensor: torch.Tensor, copied: torch.Tensor) -> None:
    """Let hooks on a tensor's gradient run for its copy."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        copied.register_hook(hook)  # type: ignore[no-untyped-call]
    for hook in (getattr(tensor, "_post_accumulate_grad_hooks", None) or {}).values():
        copied.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]


def _holds_tensors(value: Any, seen: set[int]) -> bool:
    """Return whether a value holds a tensor: in containers, or attributes of plain objects."""
    if isinstance(value, torch.Tensor):
        return True
    if isinstance(value, str | bytes | int | float | type | torch.nn.Module) or id(value) in seen:
        return False
    seen.add(id(value))
    if isinstance(value, Mapping):
        return any(_holds_tensors(held, seen) for held in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_holds_tensors(held, seen) for held in value)
    return any(_holds_tensors(held, seen) for held in getattr(value, "__dict__", {}).values())


def dtype_of(dtype: Any) -> torch.dtype | None:
    """Return a floating dtype that is given as torch's, or by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if dtype is None or (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        found: torch.dtype | None = dtype
        return found
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else None
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        floating = {n for n, d in vars(torch).items() if isinstance(d, torch.dtype)}
        names = [n for n in floating if getattr(torch, n).is_floating_point]
        raise UsageError(unknown("dtype", str(dtype), names))
    return found
