"""Name the running work for Nsight Compute: one NVTX range, by module, op and operands.

The text of the range is ``flopbench|MODULE|OP|OPERANDS``. Operands are shapes such as
``913x1280``, or numbers in brackets: a convolution's strides, a grouped product's offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import TorchDispatchMode

PREFIX = "flopbench|"


class _Range:
    """Keeps exactly one range open."""

    def __init__(self, nvtx: Any) -> None:
        self.nvtx = nvtx
        self.path = [""]
        self.op = ("", "")

    def show(self) -> None:
        """Rename the range after what is running now."""
        self.nvtx.range_pop()
        self.push()

    def push(self) -> None:
        """Open the range."""
        self.nvtx.range_push(PREFIX + "|".join((self.path[-1], *self.op)))


class _NamedOps(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Names each op that reaches a kernel."""

    def __init__(self, names: _Range) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._names = names

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = str(func.overloadpacket)
        texts = (_text(name, value) for value in (*args, *(kwargs or {}).values()))
        self._names.op = (name, " ".join(text for text in texts if text))
        self._names.show()
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self._names.op = ("", "")
            self._names.show()


def _text(op: str, value: Any) -> str:
    """Describe an operand; "" for anything but a tensor or a list of ints."""
    if isinstance(value, torch.Tensor):
        if "grouped" in op and value.dtype is torch.int32:
            value = value.tolist()  # where the groups end; the padding depends on it
        else:
            return "x".join(map(str, value.shape))
    if isinstance(value, list | tuple) and all(type(item) is int for item in value):
        return f"[{','.join(map(str, value))}]"
    return ""


@contextmanager
def named_work(root: Any, nvtx: Any) -> Iterator[None]:
    """Keep exactly one NVTX range open, named by the innermost module of ``root`` and its op."""
    names = {module: name for name, module in root.named_modules()} if root else {}
    shown = _Range(nvtx)

    def enter(module: Any, _args: Any) -> None:
        shown.path.append(names.get(module, shown.path[-1]))
        shown.show()

    def leave(_module: Any, _args: Any, _output: Any) -> None:
        shown.path.pop()
        shown.show()

    before = hooks.register_module_forward_pre_hook(enter)
    after = hooks.register_module_forward_hook(leave, always_call=True)
    shown.push()
    try:
        with _NamedOps(shown):
            yield
    finally:
        nvtx.range_pop()
        before.remove()
        after.remove()
