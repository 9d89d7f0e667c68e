"""Run equal layers once: the work of the first stands for that of the others.

What equal is, says `flopbench.builtin.torch_alike`. It is an assumption, which who uses it holds
against a plain count of every layer.
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

from flopbench.builtin.torch_alike import PLAIN, alike, call_of, device_of, given, is_tensor

if TYPE_CHECKING:
    from flopbench.builtin.torch_watch import Seen


@define
class Layers:
    """Layers that are equal to each other, and which of them were run.

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
            for path, layer, kind in alike(root):
                if path not in self.apart:
                    forward = self._forward(path, layer, kind, known, seen)
                    patches.enter_context(patch.object(layer, "forward", forward))
            yield

    def _forward(
        self, path: str, layer: Any, kind: Hashable, known: dict[Hashable, _Traced], seen: Seen
    ) -> Any:
        real, index = layer.forward, path.rpartition(".")[2]

        def forward(*args: Any, **kwargs: Any) -> Any:
            call = kind, call_of(args, kwargs, index)
            found = known.get(call)
            if found is not None:
                self.repeated[path] = found.path
                return found.repeat(path, given(args, kwargs), seen)
            before = seen.counted.copy(), seen.uncounted.copy()
            inputs = given(args, kwargs)
            out = real(*args, **kwargs)
            traced = _Traced.of(path, before, seen, inputs, out)
            if traced is not None:
                known[call] = traced
            return out

        return forward


@define
class _Traced:
    """A call of a layer: its work by path within the layer, and its result.

    Attributes:
        inputs: what it was given, which `call_of` tells by its identity: as long as it is here, no
            other object has that.
        results: per leaf of the result: a tensor's shape, the number of the input that it is, or a
            plain value.
    """

    path: str
    counted: dict[tuple[str, str], Any]
    uncounted: dict[tuple[str, str], int]
    inputs: list[Any]
    results: list[Any]
    form: Any

    @classmethod
    def of(cls, path: str, before: Any, seen: Seen, inputs: list[Any], out: Any) -> _Traced | None:
        """Take a call as the example of others; None if a repetition could not stand for it."""
        counted = _since(path, before[0], seen.counted)
        uncounted = _since(path, before[1], seen.uncounted)
        leaves, form = tree_flatten(out, lambda leaf: any(leaf is each for each in inputs))
        numbers = {id(leaf): n for n, leaf in enumerate(inputs) if not isinstance(leaf, PLAIN)}
        results = [numbers.get(id(leaf), leaf if is_tensor(leaf) else (leaf,)) for leaf in leaves]
        told = all(not isinstance(each, tuple) or isinstance(each[0], PLAIN) for each in results)
        if counted is None or uncounted is None or not told:
            return None
        return cls(path, counted, uncounted, inputs, results, form)

    def repeat(self, path: str, inputs: list[Any], seen: Seen) -> Any:
        """Add the work of one more call, in another layer, and return a result of its own."""
        for (inner, op), flops in self.counted.items():
            seen.repeat((path + inner, op), flops)
        for (inner, op), calls in self.uncounted.items():
            seen.uncounted[path + inner, op] += calls
        return tree_unflatten([self._result(each, inputs) for each in self.results], self.form)

    def _result(self, result: Any, inputs: list[Any]) -> Any:
        if isinstance(result, tuple):
            return result[0]
        if isinstance(result, int):
            return inputs[result]
        return torch.empty_strided(
            result.size(), result.stride(), dtype=result.dtype, device=device_of(result)
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
