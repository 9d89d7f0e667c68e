"""What a call may change besides its modules: variables, caches and attributes of classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import getattr_static
from types import FunctionType
from typing import Any

from attrs import frozen

_LIBRARIES = frozenset({"torch", "numpy", "builtins", "functools", "typing", "collections"})
"""Packages whose functions are not followed."""


def functions_of(modules: Iterable[Any], functions: Iterable[Any] = ()) -> list[FunctionType]:
    """Return functions, those of the classes of modules, and those that they call by name."""
    waiting = [function for function in functions if isinstance(function, FunctionType)]
    for kind in classes_of(modules):
        for value in vars(kind).values():
            inner = getattr(value, "__func__", getattr(value, "fget", value))
            waiting += [inner] if isinstance(inner, FunctionType) else []
    found: dict[int, FunctionType] = {}
    while waiting:
        function = waiting.pop()
        if id(function) not in found:
            found[id(function)] = function
            used = (
                getattr_static(v, "__wrapped__", v)
                for v in map(Binding.read, bindings_of(function))
            )
            waiting += [f for f in used if isinstance(f, FunctionType) and _is_own(f)]
    return list(found.values())


def classes_of(modules: Iterable[Any]) -> list[type]:
    """Return the classes of modules, and what they derive from, libraries left out."""
    kinds = {kind for module in modules for kind in type(module).__mro__}
    return [kind for kind in kinds if _is_own(kind)]


@frozen(eq=False)
class Binding:
    """A variable of a function: a global one, or one of a function around it."""

    name: str
    holder: Any

    def read(self) -> Any:
        """Return its value; `MISSING` if it has none."""
        if isinstance(self.holder, dict):
            return self.holder.get(self.name, MISSING)
        try:
            return self.holder.cell_contents
        except ValueError:
            return MISSING

    def write(self, value: Any) -> None:
        """Give it a value; `MISSING` takes it away."""
        if isinstance(self.holder, dict):
            if value is MISSING:
                self.holder.pop(self.name, None)
            else:
                self.holder[self.name] = value
        elif value is MISSING:
            del self.holder.cell_contents
        else:
            self.holder.cell_contents = value


MISSING = object()
"""The value of a variable that has none."""


def bindings_of(function: FunctionType) -> Iterator[Binding]:
    """Yield the variables of a function that are not its own."""
    code = function.__code__
    for name in {*code.co_names, *(n for c in code.co_consts for n in getattr(c, "co_names", ()))}:
        if name in function.__globals__:
            yield Binding(name, function.__globals__)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        yield Binding(name, cell)


def _is_own(value: Any) -> bool:
    module = getattr(value, "__module__", None) or ""
    return module.partition(".")[0] not in _LIBRARIES
