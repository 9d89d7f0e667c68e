"""The largest position of a call on meta tensors: they have no values, but it is known."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class LastPosition(TorchFunctionMode):
    """Answers ``torch.max`` of whole numbers on meta, which models ask of positions.

    Rotary frequencies of some kinds (longrope, dynamic) depend on it. Their shapes do not.
    """

    def __init__(self, last: int) -> None:
        super().__init__()
        self._last = last

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        asked = args[0] if func is torch.max and len(args) == 1 and not kwargs else None
        if isinstance(asked, torch.Tensor) and asked.is_meta and asked.dtype == torch.long:
            return torch.tensor(self._last)
        return func(*args, **(kwargs or {}))
