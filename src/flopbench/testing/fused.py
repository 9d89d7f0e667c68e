"""Watch a call for fused attention, which torch decomposes before a counter sees it."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from flopbench.vendor import VendorCall

FUSED = frozenset({"scaled_dot_product_attention", "flex_attention"})


class _Watch(TorchFunctionMode):
    """Records the fused functions that are called, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in FUSED:
            self.found[name] = None
        return func(*args, **(kwargs or {}))


def fused_calls(call: VendorCall) -> list[str]:
    """Run a call and return the fused attention functions that it calls."""
    with torch.no_grad(), _Watch() as watch:
        call.run()
    return list(watch.found)
