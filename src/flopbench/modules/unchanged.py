"""Leave everything as it was: modules, random numbers, optimizers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from attrs import define, field
from torch._subclasses.fake_tensor import FakeTensor

from flopbench.modules.copies import Copies
from flopbench.modules.found import Found
from flopbench.modules.reached import Binding, bindings_of, classes_of, functions_of
from flopbench.modules.snapshot import Snapshot

_OWN = frozenset({"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"})
"""Containers of every module that are restored without a word; hooks are, too."""


@define
class Kept:
    """Modules with their weights on meta for a while, and what to put back.

    Attributes:
        copies: the weights on meta.
        mutated: what a call changed, as ``path.attribute``; it is put back, too.
        asked: what a call asked for and was not done, a sentence each.
    """

    copies: Copies
    mutated: list[str] = field(factory=list)
    asked: set[str] = field(factory=set)
    _modules: dict[int, tuple[Any, type, dict[str, Any]]] = field(factory=dict)
    _own: Snapshot = field(factory=Snapshot)
    _held: Snapshot = field(factory=Snapshot)
    _bindings: list[tuple[Binding, Any]] = field(factory=list)

    def place(self, names: dict[Any, str]) -> None:
        """Take the weights of modules to meta, each module once."""
        for module, path in names.items():
            if id(module) in self._modules or isinstance(module, torch.jit.ScriptModule):
                continue
            attributes = dict(vars(module))
            self._modules[id(module)] = module, type(module), attributes
            for name, value in attributes.items():
                snapshot = self._own if name in _OWN or "hooks" in name else self._held
                snapshot.take(f"{path}.{name}".lstrip("."), value)
            for tensors in (module._parameters, module._buffers):  # noqa: SLF001 - no public way
                for name, tensor in tensors.items():
                    # What the call made itself is no one else's.
                    if tensor is not None and not isinstance(tensor, FakeTensor):
                        tensors[name] = self.copies.tensor(tensor)

    def keep(self, found: Found) -> None:
        """Keep what a call may change besides its modules: objects, variables, class attributes."""
        for name, value in found.objects:
            self._held.take(name, value)
        self._keep_reached(found.names, found.functions)

    def _keep_reached(self, modules: Iterable[Any], functions: Iterable[Any] = ()) -> None:
        for kind in classes_of(modules):
            for name, value in list(vars(kind).items()):
                if not name.startswith("__"):
                    self._held.take(f"{kind.__name__}.{name}", value)
        for function in functions_of(modules, functions):
            for binding in bindings_of(function):
                value = binding.read()
                self._bindings.append((binding, value))
                self._held.take(binding.name, value)

    def put_back(self) -> None:
        """Make everything what it was."""
        for module, kind, attributes in self._modules.values():
            if type(module) is not kind:
                module.__class__ = kind
            vars(module).clear()
            vars(module).update(attributes)
        for binding, value in self._bindings:
            if binding.read() is not value:
                binding.write(value)
        self._bindings.clear()
        self._own.put_back()
        self.mutated += self._held.put_back()
        self._modules.clear()
        self._own, self._held = Snapshot(), Snapshot()


@contextmanager
def kept(copies: Copies) -> Iterator[Kept]:
    """Yield what takes modules to meta, and put all of them back at the end."""
    keeper = Kept(copies)
    try:
        yield keeper
    finally:
        keeper.put_back()
        copies.put_gradients_back()


@contextmanager
def same_settings() -> Iterator[None]:
    """Restore random number generators of Python, NumPy and torch, and torch's settings."""
    import numpy as np

    states = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.random.set_rng_state(states[2])


@contextmanager
def same_optimizers(optimizers: Iterable[Any], copies: Copies) -> Iterator[None]:
    """Let optimizers step on the copies of their parameters, and put the real ones back."""
    known = [(each, each.param_groups, each.state) for each in optimizers]
    for optimizer, groups, state in known:
        optimizer.param_groups = [
            {**group, "params": [copies.made(p) for p in group["params"]]} for group in groups
        ]
        optimizer.state = type(state)(dict)
        for parameter, held in state.items():
            optimizer.state[copies.made(parameter)] = copies.of(held)
    try:
        yield
    finally:
        for optimizer, groups, state in known:
            optimizer.param_groups, optimizer.state = groups, state
