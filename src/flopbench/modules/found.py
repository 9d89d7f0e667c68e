"""The modules and optimizers that a callable uses, as far as Python shows them."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import torch
from attrs import define, field

from flopbench.boundary import told
from flopbench.errors import CountError, FlopbenchError, UsageError
from flopbench.modules.reached import bindings_of, functions_of


@define
class Found:
    """What a call works with.

    Attributes:
        names: paths by module: of one module as in its ``named_modules()``; of several, each path
            begins with the name of the variable that holds the module.
        optimizers: optimizers whose step may be part of the call.
        objects: what else it may change, by the name of the variable.
        functions: the functions that are called, as far as they are known.
    """

    names: dict[Any, str] = field(factory=dict)
    optimizers: list[Any] = field(factory=list)
    objects: list[tuple[str, Any]] = field(factory=list)
    functions: list[Any] = field(factory=list)
    _numbers: Counter[str] = field(factory=Counter)

    def add(self, module: Any, prefix: str) -> dict[Any, str]:
        """Add a module and those within it under a path, and return the new ones."""
        new = {
            each: ".".join(filter(None, (prefix, name)))
            for name, each in module.named_modules()
            if each not in self.names
        }
        self.names |= new
        for each in new:
            self.optimizers += filter(_is_optimizer, vars(each).values())
        return new

    def meet(self, module: Any) -> dict[Any, str]:
        """Add a module that was not found beforehand: under its class, with a number."""
        if not self.names:
            return self.add(module, "")
        base = type(module).__name__
        self._numbers[base] += 1
        number = self._numbers[base]
        return self.add(module, base if number == 1 else f"{base}_{number}")

    def take(self, name: str, value: Any, prefix: str) -> None:
        """Add what a variable holds."""
        if isinstance(value, torch.nn.Module):
            self.add(value, prefix)
        elif _is_optimizer(value):
            self.optimizers.append(value)
        else:
            self.objects.append((name, value))


def found_in(target: Any, arguments: Any) -> Found:
    """Return what a module, or any callable with its arguments, works with.

    Raises:
        UsageError: the target cannot be called.
        CountError: looking at it fails.
    """
    if not callable(target):
        raise UsageError(
            f"count a module or a function, not {_article(type(target).__name__)}: {target!r:.80}"
        )
    try:
        return _looked_into(target, arguments)
    except FlopbenchError:
        raise
    except Exception as error:
        raise CountError(f"{name_of(target)} cannot be looked into: {told(error)}") from error


def _looked_into(target: Any, arguments: Any) -> Found:
    found = Found()
    if isinstance(target, torch.nn.Module):
        found.add(target, "")
        prefix: Callable[[str], str] = lambda name: name  # noqa: E731
        held = list(_in_arguments(arguments))
    else:
        held = [*_held(target), *_in_arguments(arguments)]
        found.functions.append(inspect.unwrap(getattr(target, "__func__", target)))
        held += [
            (binding.name, value)
            for function in functions_of((), found.functions)
            for binding in bindings_of(function)
            if isinstance(value := binding.read(), torch.nn.Module | torch.optim.Optimizer)
        ]
        modules = {id(value) for _, value in held if isinstance(value, torch.nn.Module)}
        prefix = (lambda _name: "") if len(modules) == 1 else (lambda name: name)
    for name, value in held:
        found.take(name, value, prefix(name))
    return found


def _is_optimizer(value: Any) -> bool:
    return isinstance(value, torch.optim.Optimizer)


def found_around(frame: FrameType) -> Found:
    """Return the modules and optimizers that variables of a frame hold, and their schedulers."""
    found = Found()
    used = frame.f_globals.keys() & {*frame.f_code.co_names}
    variables = {**{name: frame.f_globals[name] for name in used}, **frame.f_locals}
    modules = {id(value) for value in variables.values() if isinstance(value, torch.nn.Module)}
    for name, value in variables.items():
        is_scheduler = _is_optimizer(inspect.getattr_static(value, "optimizer", None))
        if isinstance(value, torch.nn.Module | torch.optim.Optimizer) or is_scheduler:
            found.take(name, value, "" if len(modules) == 1 else name)
    return found


def _held(target: Any) -> Iterator[tuple[str, Any]]:
    """Yield the named objects that a callable may use, and those one attribute away."""
    for name, value in _variables(target):
        yield name, value
        if not isinstance(value, torch.nn.Module | torch.optim.Optimizer | type):
            yield from getattr(value, "__dict__", {}).items()


def _variables(target: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(target, partial):
        yield from _variables(target.func)
        yield from _in_arguments((target.args, target.keywords))
        return
    if inspect.ismethod(target):
        yield "self", target.__self__
        target = target.__func__
    target = inspect.unwrap(target)
    if not inspect.isfunction(target):
        yield from getattr(target, "__dict__", {}).items()
        return
    used = inspect.getclosurevars(target)
    yield from (*used.nonlocals.items(), *used.globals.items())


def _in_arguments(arguments: tuple[Any, Any]) -> Iterator[tuple[str, Any]]:
    positional, keywords = arguments
    yield from ((f"argument{i}", value) for i, value in enumerate(positional, 1))
    yield from keywords.items()


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def name_of(target: Any) -> str:
    """Return what to call a target: its class, or the name of a function."""
    if isinstance(target, torch.nn.Module):
        return type(target).__name__
    if isinstance(target, partial):
        return name_of(target.func)
    return str(getattr(target, "__name__", type(target).__name__))
