"""Whether a model loops over tokens, and which lengths of a prefill tell all of its work.

Where transformers lacks a kernel, recurrent layers run in Python, a token at a time. A long prefill
then takes minutes to count, and is nothing but the same steps once more for each token.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from flopbench_transformers_lm.vendor_model import RealModel

LONG = 128
"""Shorter prefills are counted as they are."""

_TRIED = (5, 6, 7)
"""Tokens of prefills whose numbers of ops are compared."""

_RECURS = "chunk|block_size|compress"
_CHUNK = re.compile(_RECURS)
_STEP = re.compile(f"{_RECURS}|kernel|window|conv|topk|stride")
"""Names of sizes at which a model may change what it does to more tokens: once more after as many
again, or at all."""


@frozen
class Lengths:
    """Prefills that do the same to each token.

    Attributes:
        first: the least tokens beyond whatever a prefill does once.
        stride: the tokens after which it does the same again.
    """

    first: int
    stride: int


def lengths(real: RealModel, tokens: int) -> Lengths | None:
    """Return which prefills are like one of ``tokens`` tokens; None without a loop over tokens."""
    if tokens <= LONG or real.keeps_keys_alone or not _loops(real):
        return None
    sizes = [(name, size) for name, size in _sizes(real) if 1 < size < tokens]
    stride = math.lcm(*(size for name, size in sizes if _CHUNK.search(name)))
    return Lengths(max((_TRIED[0], *(size for _name, size in sizes))) + 1, stride)


def chunk(real: RealModel) -> int | None:
    """Return how many tokens make a chunk of a recurrence; None if nothing is cut into chunks."""
    found = {size for name, size in _sizes(real) if size > 1 and _CHUNK.search(name)}
    return math.lcm(*found) if found else None


def _loops(real: RealModel) -> bool:
    """Return whether a prefill of one more token takes more ops, time and again."""
    ops = [_ops(real, tokens) for tokens in _TRIED[:2]]
    if ops[0] >= ops[1]:
        return False
    ops.append(_ops(real, _TRIED[2]))
    return ops[2] - ops[1] == ops[1] - ops[0]


def _ops(real: RealModel, tokens: int) -> int:
    """Return how many ops a prefill of one sequence dispatches."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    ops: list[Any] = []

    class Watching(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            ops.append(func)
            return func(*args, **(kwargs or {}))

    call = real.prefill(1, tokens, all_logits=False)
    with torch.no_grad(), Watching():  # type: ignore[no-untyped-call]
        call()
    return len(ops)


def _sizes(real: RealModel) -> Iterator[tuple[str, int]]:
    """Yield the sizes of steps that the config, the modules and their code name."""
    modules = list(real.module.modules())
    yield from _named(real.module.config.to_dict())
    for module in modules:
        yield from _named(vars(module))
    for name in {type(module).__module__ for module in modules}:
        for function in vars(sys.modules[name]).values():
            if inspect.isfunction(function) and function.__module__ == name:
                parameters = inspect.signature(function).parameters
                yield from _named({key: each.default for key, each in parameters.items()})


def _named(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _named(value)
        elif type(value) is int and _STEP.search(str(name)):
            yield name, value
