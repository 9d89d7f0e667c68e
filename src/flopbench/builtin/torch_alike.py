"""Which layers of a model are equal, and which calls of them are.

Layers are taken as equal if nothing that their program may read tells them apart but their own
index: class, attributes, hooks, parts, and the shapes of their weights. Their calls are, if what
they are given has the same shapes, and what it holds for a layer's own index, as a cache does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._pytree import tree_flatten

PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
"""What is told by its value."""

_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)
_CONTAINERS = (dict, list, tuple)


def alike(root: Any) -> Iterator[tuple[str, Any, Hashable]]:
    """Yield the layers that have a sibling of their kind, outermost ones only, with their kinds."""
    names = dict(root.named_modules())
    paths = {module: path for path, module in names.items()}
    inside: tuple[str, ...] = ()
    for path, module in names.items():
        if (inside and path.startswith(inside)) or isinstance(module, torch.jit.ScriptModule):
            continue
        kinds = _kinds({n: each for n, each in module.named_children() if _is_layer(each)})
        often = Counter(kinds.values())
        for name, kind in kinds.items():
            layer = f"{path}.{name}" if path else name
            part = module.get_submodule(name)
            if often[kind] > 1 and _is_whole(part, layer, paths):
                inside = (*inside, f"{layer}.")
                yield layer, part, (path, kind)


def _is_layer(module: Any) -> bool:
    """Return whether a module is called, and has parts."""
    called = getattr(type(module), "forward", None) is not torch.nn.Module.forward
    return called and next(module.children(), None) is not None


def _is_whole(layer: Any, path: str, paths: dict[Any, str]) -> bool:
    """Return whether no part of a layer is known as a part of another."""
    return all(
        part is layer or paths.get(part, path).startswith(f"{path}.") for part in layer.modules()
    )


def call_of(args: Any, kwargs: Any, index: str) -> Hashable:
    """Return what tells a layer's call from others."""
    leaves, form = tree_flatten((args, kwargs), _is_leaf)
    own = int(index) if index.isdigit() else None
    return (str(form), *(_input(leaf, own) for leaf in leaves))


def given(args: Any, kwargs: Any) -> list[Any]:
    """Return what a call is given, each value by itself."""
    return list(tree_flatten((args, kwargs), _is_leaf)[0])


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor."""
    return isinstance(value, torch.Tensor)


def device_of(tensor: Any) -> Any:
    """Return a tensor's device, without an op if it is a fake one."""
    return tensor.fake_device if isinstance(tensor, FakeTensor) else tensor.device


def _is_leaf(value: Any) -> bool:
    """Return whether a value is taken as one: libraries may flatten caches, which grow."""
    return not isinstance(value, _CONTAINERS)


def _input(value: Any, own: int | None) -> Hashable:
    if is_tensor(value):
        # What a program reads off the values of a real tensor, it does not of another's.
        values = None if isinstance(value, FakeTensor) or value.is_meta else id(value)
        return _shape(value), values
    if isinstance(value, (*PLAIN, *_SYMBOLIC)):
        return type(value), str(value)
    return type(value), id(value), _held_for(value, own)


def _held_for(holder: Any, own: int | None) -> Hashable:
    """Return what an object, such as a cache, holds for a layer's own index."""
    if own is None:
        return None
    return tuple(
        (name, _entry(each, own)) for name, each in getattr(holder, "__dict__", {}).items()
    )


def _entry(values: Any, own: int) -> Hashable:
    if isinstance(values, dict):
        return _state(values[own]) if own in values else None
    if isinstance(values, list | tuple):
        return _state(values[own]) if own < len(values) else None
    return None


def _state(value: Any) -> Hashable:
    """Return what tells the state of a layer from another's: all but the numbers in tensors."""
    if is_tensor(value):
        return _shape(value)
    if isinstance(value, (*PLAIN, *_SYMBOLIC)):
        return type(value), str(value)
    if isinstance(value, list | tuple):
        return tuple(map(_state, value))
    held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return type(value), tuple(
        (str(name), _state(each) if isinstance(each, _TOLD) else type(each))
        for name, each in held.items()
    )


_TOLD = (*PLAIN, *_SYMBOLIC, list, tuple, torch.Tensor)


def _shape(tensor: Any) -> Hashable:
    """Return a tensor's shape as text: comparing symbols would add a guard."""
    shape = tuple(map(str, tensor.shape)), tuple(map(str, tensor.stride()))
    return *shape, tensor.dtype, device_of(tensor)


Attributes = frozenset[tuple[str, str]]
"""Attributes of parts of a layer: the part's path and the name."""


def _kinds(layers: dict[str, Any]) -> dict[str, int]:
    """Return what kind each layer of a module is of; its own index does not matter."""
    classes: dict[type, dict[str, Any]] = {}
    for name, layer in layers.items():
        classes.setdefault(type(layer), {})[name] = layer
    numbers: dict[Hashable, int] = {}
    kinds = {}
    for same in classes.values():
        if len(same) > 1:
            indices = _indices(same)
            for name, layer in same.items():
                kinds[name] = numbers.setdefault(_kind(layer, indices), len(numbers))
    return kinds


def _indices(layers: dict[str, Any]) -> Attributes:
    """Return the attributes that are the index of every layer that has them.

    What is 4 in all layers is no index in layer 4.
    """
    found: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
    for index, layer in layers.items():
        for path, part in layer.named_modules():
            for name, value in vars(part).items():
                if type(value) is int:
                    found[str(value) == index].add((path, name))
    return frozenset(found[True] - found[False])


def _kind(module: Any, indices: Attributes, path: str = "") -> Hashable:
    """Return what tells a module from others: all that its program may read but its index."""
    skipped = {"_parameters", "_buffers", "_modules"}
    attributes = tuple(
        (name, None if (path, name) in indices else _attribute(value))
        for name, value in vars(module).items()
        if name not in skipped
    )
    held = (*module._parameters.items(), *module._buffers.items())  # noqa: SLF001 - no public way
    tensors = tuple((name, _weight(tensor)) for name, tensor in held)
    parts = tuple(
        (name, _kind(part, indices, f"{path}.{name}" if path else name))
        for name, part in module._modules.items()  # noqa: SLF001
        if part is not None
    )
    return type(module), attributes, tensors, parts


def _weight(tensor: Any) -> Hashable:
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype, tensor.requires_grad)


def _attribute(value: Any) -> Hashable:
    if isinstance(value, PLAIN):
        return type(value), value
    if isinstance(value, dict | set):
        value = tuple(value.items()) if isinstance(value, dict) else tuple(sorted(value, key=str))
    if isinstance(value, list | tuple):
        return (type(value), *map(_attribute, value))
    if isinstance(value, partial):
        return partial, *map(_attribute, (value.func, value.args, value.keywords))
    if isinstance(value, MethodType):
        # A function made for one module alone is another one, whatever its name.
        whose = value.__self__
        return id(value.__func__), type(whose) if isinstance(whose, torch.nn.Module) else id(whose)
    return type(value), id(value)
