"""What plain objects hold, so that it can be put back: attributes, containers, small arrays."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from attrs import define, field

_WHOLE = (
    *(str, bytes, int, float, complex, type, Enum, ModuleType, FunctionType, MethodType),
    *(torch.Tensor, torch.nn.Module, torch.optim.Optimizer, torch.Generator, logging.Logger),
)
"""What is not looked into: it holds nothing, or is put back in another way."""

_CACHED: type = type(lru_cache(lambda: None))
"""What ``functools.lru_cache`` makes."""

_MOST = 100_000
"""The most objects that are followed, and the most elements of a container that is kept."""


@define
class Snapshot:
    """The contents of containers and objects at one time."""

    _kept: list[tuple[str, Any, list[Any]]] = field(factory=list)
    _known: dict[int, Any] = field(factory=dict)

    def take(self, name: str, value: Any) -> None:
        """Keep what a value holds, and what that holds, each once."""
        waiting = [value]
        while waiting and len(self._known) < _MOST:
            each = waiting.pop()
            if isinstance(each, _WHOLE) or each is None or id(each) in self._known:
                continue
            self._known[id(each)] = each
            if isinstance(each, (*_CONTAINERS, tuple, frozenset)) and len(each) > _MOST:
                continue
            with suppress(Exception):  # an object may refuse to be looked into
                contents = [read(each) for read, _ in _ways(each)]
                if contents:
                    self._kept.append((name, each, contents))
                waiting += _held(each)

    def put_back(self) -> list[str]:
        """Put all contents back, and return the names of what had changed."""
        changed: dict[str, None] = {}
        for name, value, contents in self._kept:
            for (read, write), content in zip(_ways(value), contents, strict=False):
                try:
                    if not _same(read(value), content):
                        changed[name] = None
                        write(value, content)
                except Exception:  # noqa: BLE001 - an object may refuse anything; the rest goes on
                    changed[f"{name} (which refuses it)"] = None
        return list(changed)


_CONTAINERS = (list, dict, set, deque, bytearray, np.ndarray)

Way = tuple[Callable[[Any], Any], Callable[[Any, Any], None]]
"""How to read what an object holds, and how to write it back."""


def _ways(value: Any) -> list[Way]:
    """Return the ways of what an object holds: as a container, by name, in slots."""
    found: list[Way] = []
    if isinstance(value, dict):
        found.append((lambda v: list(dict.items(v)), _write_dict))
    elif isinstance(value, list | deque | bytearray):
        found.append((list, _write_list))
    elif isinstance(value, set):
        found.append((list, _write_set))
    elif isinstance(value, np.ndarray) and value.dtype != object:
        found.append((np.ndarray.copy, np.copyto))
    if isinstance(getattr(value, "__dict__", None), dict):
        found.append((lambda v: list(vars(v).items()), _write_attributes))
    if isinstance(value, _CACHED):
        # What was made meanwhile has no values, and one entry cannot be taken out.
        found.append((lambda v: [v.cache_info().currsize], lambda v, _: v.cache_clear()))
    if _slots(value):
        found.append((_read_slots, _write_slots))
    return found


def _write_dict(value: dict[Any, Any], content: list[tuple[Any, Any]]) -> None:
    # A subclass may forbid what a dict can do.
    kind: Any = OrderedDict if isinstance(value, OrderedDict) else dict
    kind.clear(value)
    for key, held in content:
        kind.__setitem__(value, key, held)


def _write_list(value: Any, content: list[Any]) -> None:
    value.clear()
    value.extend(content)


def _write_set(value: set[Any], content: list[Any]) -> None:
    set.clear(value)
    set.update(value, content)


def _write_attributes(value: Any, content: list[tuple[str, Any]]) -> None:
    vars(value).clear()
    vars(value).update(content)


def _slots(value: Any) -> list[str]:
    names = (getattr(kind, "__slots__", ()) for kind in type(value).__mro__)
    flat = [n for each in names for n in ((each,) if isinstance(each, str) else each)]
    return [name for name in flat if name not in {"__dict__", "__weakref__"}]


def _read_slots(value: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(value, name)) for name in _slots(value) if hasattr(value, name)]


def _write_slots(value: Any, content: list[tuple[str, Any]]) -> None:
    for name in _slots(value):
        if hasattr(value, name):
            object.__delattr__(value, name)
    for name, held in content:
        object.__setattr__(value, name, held)


def _held(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from (*dict.keys(value), *dict.values(value))
    elif isinstance(value, list | set | tuple | frozenset | deque):
        yield from value
    yield from list(getattr(value, "__dict__", {}).values())
    yield from (held for _, held in _read_slots(value))


def _same(one: Any, other: Any) -> bool:
    """Return whether two contents are the same objects."""
    if isinstance(one, np.ndarray):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return len(one) == len(other) and all(map(_is, one, other))


def _is(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other) == _PAIR:
        return all(a is b for a, b in zip(one, other, strict=True))
    return one is other or (type(one) is int and one == other)


_PAIR = 2
"""A key and its value; read anew, the pair itself is another object."""
