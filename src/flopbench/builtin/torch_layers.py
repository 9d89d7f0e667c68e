"""Trace equal layers once: the work of the first stands for that of the others.

Layers are taken as equal if nothing that their program may read tells them apart but their own
index: class, attributes, hooks, parts, and the shapes of their weights and of their inputs. That is
an assumption, which who uses it holds against a plain count of every layer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from attrs import define, field
from torch.utils._pytree import tree_flatten, tree_unflatten

if TYPE_CHECKING:
    from flopbench.builtin.torch_watch import Seen

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)

_INDEX = "its own index"


@define
class Layers:
    """Layers that are equal to each other, and which of them were traced.

    Attributes:
        apart: paths of layers that are not taken as equal to any other.
        repeated: paths of layers, each with that of the layer that stood for it.
    """

    apart: AbstractSet[str] = frozenset()
    repeated: dict[str, str] = field(factory=dict)

    @contextmanager
    def traced_once(self, root: Any, seen: Seen) -> Iterator[None]:
        """Run each layer that equals an earlier one as its shapes alone, and add up its work."""
        known: dict[Hashable, _Traced] = {}
        with ExitStack() as patches:
            for path, layer, kind in _alike(root):
                if path not in self.apart:
                    forward = self._forward(path, layer, kind, known, seen)
                    patches.enter_context(patch.object(layer, "forward", forward))
            yield

    def _forward(
        self, path: str, layer: Any, kind: Hashable, known: dict[Hashable, _Traced], seen: Seen
    ) -> Any:
        real = layer.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            call = _call(args, kwargs)
            found = known.get((kind, call))
            if found is not None:
                self.repeated[path] = found.path
                return found.repeat(path, args, kwargs, seen)
            before = seen.counted.copy(), seen.uncounted.copy()
            out = real(*args, **kwargs)
            traced = _Traced.of(path, before, seen, (args, kwargs), out)
            if traced is not None:
                known[kind, call] = traced
            return out

        return forward


@define
class _Traced:
    """A call of a layer: its work by path within the layer, and its result.

    Attributes:
        results: per leaf of the result: a tensor's shape, the number of the input that it is, or a
            plain value.
    """

    path: str
    counted: dict[tuple[str, str], Any]
    uncounted: dict[tuple[str, str], int]
    results: list[Any]
    form: Any

    @classmethod
    def of(cls, path: str, before: Any, seen: Seen, inputs: Any, out: Any) -> _Traced | None:
        """Take a call as the example of others; None if a repetition could not stand for it."""
        counted = _since(path, before[0], seen.counted)
        uncounted = _since(path, before[1], seen.uncounted)
        leaves, form = tree_flatten(out)
        given = {id(leaf): index for index, leaf in enumerate(tree_flatten(inputs)[0])}
        results = [given.get(id(leaf), leaf) if _is_tensor(leaf) else (leaf,) for leaf in leaves]
        plain = all(_is_tensor(leaf) or isinstance(leaf, _PLAIN) for leaf in leaves)
        if counted is None or uncounted is None or not plain:
            return None
        return cls(path, counted, uncounted, results, form)

    def repeat(self, path: str, args: Any, kwargs: Any, seen: Seen) -> Any:
        """Add the work of one more call, in another layer, and return a result of its own."""
        for (inner, op), flops in self.counted.items():
            seen.repeat((path + inner, op), flops)
        for (inner, op), calls in self.uncounted.items():
            seen.uncounted[path + inner, op] += calls
        given = tree_flatten((args, kwargs))[0]
        return tree_unflatten([self._result(each, given) for each in self.results], self.form)

    def _result(self, result: Any, given: list[Any]) -> Any:
        if isinstance(result, tuple):
            return result[0]
        if isinstance(result, int):
            return given[result]
        return torch.empty_strided(
            result.size(), result.stride(), dtype=result.dtype, device=result.device
        )


def _since(path: str, before: Any, now: Any) -> dict[tuple[str, str], Any] | None:
    """Return what was added within a layer, by path within it; None if some was added elsewhere."""
    found = {}
    for (module, op), value in now.items():
        was = before.get((module, op))
        if was is not None and _same(was, value):
            continue
        inner = module.removeprefix(path)
        if not module.startswith(path) or inner[:1] not in {"", "."}:
            return None
        found[inner, op] = value if was is None else value - was
    return found


def _same(one: Any, other: Any) -> bool:
    """Return whether nothing was added: comparing symbols would add a guard."""
    return one is other or (type(one) is int and type(other) is int and one == other)


def _call(args: Any, kwargs: Any) -> Hashable:
    """Return what tells a call from others. An object, such as a cache, is told by its identity."""
    leaves, form = tree_flatten((args, kwargs))
    return (str(form), *map(_leaf, leaves))


def _leaf(value: Any) -> Hashable:
    if not _is_tensor(value):
        return type(value), str(value) if isinstance(value, _PLAIN) else id(value)
    return tuple(map(str, value.shape)), tuple(map(str, value.stride())), value.dtype, value.device


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _alike(root: Any) -> Iterator[tuple[str, Any, Hashable]]:
    """Yield the layers that have a sibling of their kind, outermost ones only."""
    names = dict(root.named_modules())
    inside: tuple[str, ...] = ()
    for path, module in names.items():
        if (inside and path.startswith(inside)) or isinstance(module, torch.jit.ScriptModule):
            continue
        kinds = {name: _kind(each, name) for name, each in module.named_children()}
        values = list(kinds.values())
        for name, kind in kinds.items():
            if values.count(kind) > 1 and next(module.get_submodule(name).children(), None):
                layer = f"{path}.{name}" if path else name
                inside = (*inside, f"{layer}.")
                yield layer, module.get_submodule(name), kind


def _kind(module: Any, index: str) -> Hashable:
    """Return what tells a module from others, its own index in a list left out."""
    own = int(index) if index.isdigit() else None
    skipped = {"_parameters", "_buffers", "_modules"}
    attributes = tuple(
        (name, _attribute(value, own))
        for name, value in vars(module).items()
        if name not in skipped
    )
    held = (*module._parameters.items(), *module._buffers.items())  # noqa: SLF001 - no public way
    tensors = tuple((name, _weight(tensor)) for name, tensor in held)
    parts = tuple((name, _kind(part, index)) for name, part in module._modules.items() if part)  # noqa: SLF001
    return type(module), attributes, tensors, parts


def _weight(tensor: Any) -> Hashable:
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype, tensor.requires_grad)


def _attribute(value: Any, own: int | None) -> Hashable:
    if type(value) is int and value == own:
        return _INDEX
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, dict | set):
        value = tuple(value.items()) if isinstance(value, dict) else tuple(sorted(value, key=str))
    if isinstance(value, list | tuple):
        return (type(value), *(_attribute(each, own) for each in value))
    if getattr(value, "__self__", None) is not None:
        return type(value), getattr(value, "__qualname__", id(value))
    return type(value), id(value)
