"""Values that a few models ask of meta tensors, which have none; any answer costs the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

ASSUMED = (
    "the model asks for values that meta tensors do not have: all tokens go to its first expert, "
    "in each of their choices, since a token costs the same in every expert (one that computes "
    "nothing is never chosen); nothing is masked, and what it checks holds"
)


def is_asked(error: Exception) -> bool:
    """Return whether a call failed because meta tensors have no values."""
    told = str(error)
    return isinstance(error, RuntimeError) and any(
        words in told for words in ("meta tensor", "register_meta", "data-dependent")
    )


class MetaValues(TorchFunctionMode):
    """Answers what models ask of the values of meta tensors.

    - Which experts are chosen: the first. Which of its tokens: all, in each of their choices, as a
      mask of [choices, tokens] has them. That is as many products as with any other choice.
    - How many tokens each expert has: the first has all.
    - Whether something holds: yes. The largest whole number: the last position.
    """

    def __init__(self, last: Any) -> None:
        super().__init__()
        self._last = last
        self._chosen: Any = 0
        self._answers: Mapping[Any, Callable[..., Any]] = {
            torch.Tensor.nonzero: self._first,
            torch.Tensor.item: self._item,
            torch.Tensor.__bool__: self._item,
            torch.Tensor.__int__: self._item,
            torch.Tensor.__getitem__: self._all_of,
            torch.Tensor.tolist: self._sizes,
            torch.Tensor.topk: self._choices,
            torch.topk: self._choices,
            torch.where: self._everywhere,
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        answer = self._answers.get(func)
        if answer and isinstance(args[0], torch.Tensor) and args[0].is_meta:
            found = answer(func, *args, **kwargs)
            if found is not None:
                return found
        return func(*args, **kwargs)

    def _first(self, _func: Any, mask: Any, *, as_tuple: bool = False) -> Any:
        if mask.dim() != 1 or as_tuple:
            return None
        return torch.zeros(1, 1, dtype=torch.long)

    def _everywhere(self, _func: Any, mask: Any, *others: Any) -> Any:
        if others:
            return None
        return tuple(
            torch.empty(mask.numel(), dtype=torch.long, device="meta") for _ in range(mask.dim())
        )

    def _item(self, _func: Any, value: Any) -> Any:
        return True if value.dtype == torch.bool else self._last

    def _choices(self, func: Any, scores: Any, *args: Any, **kwargs: Any) -> Any:
        found = func(scores, *args, **kwargs)
        self._chosen = found[1].numel()
        return found

    def _sizes(self, _func: Any, value: Any) -> Any:
        if value.dim() != 1 or value.dtype != torch.long:
            return None
        return [self._chosen, *([0] * (value.numel() - 1))]

    def _all_of(self, func: Any, value: Any, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        masks = [isinstance(p, torch.Tensor) and p.is_meta and p.dtype == torch.bool for p in parts]
        if not any(masks) or any(m and p.dim() != 1 for m, p in zip(masks, parts, strict=True)):
            return None
        whole = tuple(slice(None) if m else p for m, p in zip(masks, parts, strict=True))
        return func(value, whole)
