"""Calls of a module with sizes by name, and the counter that counts and traces them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from attrs import evolve, frozen
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from flopbench.builtin.torch_backward import run_backward
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.builtin.torch_places import places_of
from flopbench.builtin.torch_watch import watch
from flopbench.errors import UsageError
from flopbench.modules.copies import Copies
from flopbench.modules.failures import failing
from flopbench.modules.formulas import own_formulas
from flopbench.modules.found import Found, found_in
from flopbench.modules.unchanged import kept
from flopbench.modules.watched import on_meta
from flopbench.tally import sums
from flopbench.vendor import Count, Counted, Trace, VendorCall

if TYPE_CHECKING:
    import sympy


class ModuleCounter(TorchCounter):
    """The torch counter by module, with flopbench's own formulas besides torch's.

    Ops are added up: which op multiplies depends on whether a size is 1.
    """

    name = "torch"

    def count(self, call: VendorCall) -> Count:
        with FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True):
            seen = watch(call, own=self._formulas(), layers=self._layers(call))
        flops = sums((module, int(n)) for (module, _), n in seen.counted.items())
        return Count(tuple(Counted(m, "", n) for m, n in flops.items()), seen.uncounted_ops())

    def trace(
        self,
        prepare: Callable[[Mapping[str, Any]], VendorCall],
        symbols: Mapping[sympy.Symbol, int],
    ) -> Trace:
        found = super().trace(prepare, symbols)
        return evolve(found, flops=sums(((m, ""), form) for (m, _), form in found.flops.items()))

    def _formulas(self) -> Mapping[Any, Any]:
        return own_formulas()


@frozen
class SizedCall:
    """A module or function, and its inputs as a function of sizes.

    Attributes:
        target: what is called.
        inputs: returns the arguments for sizes by name: a tuple of them, a mapping of keywords,
            or the one argument.
        name: what errors call the target.
        backward: whether the backward of the sum of all floating outputs runs, too.
    """

    target: Any
    inputs: Callable[..., Any]
    name: str
    backward: bool = False

    def prepare(self, sizes: Mapping[str, Any]) -> VendorCall:
        """Return the call at these sizes."""
        found = found_in(self.target, ((), {}))
        gradients = torch.is_grad_enabled()
        return VendorCall(_Root(found), lambda: self._run(found, sizes, gradients=gradients))

    def _run(self, found: Found, sizes: Mapping[str, Any], *, gradients: bool) -> None:
        places = places_of(_Root(found))
        with kept(Copies()) as keeper:
            keeper.place(found.names)
            keeper.keep(found)
            with torch.set_grad_enabled(gradients), places.following(), on_meta(found, keeper):
                with failing(places, "the function of the inputs"):
                    args, kwargs = arguments(self.inputs(**sizes))
                with failing(places, self.name):
                    returned = self.target(*args, **kwargs)
                    if self.backward:
                        run_backward(returned)


@frozen
class _Root:
    """Stands for a module in the place of several."""

    found: Found

    def named_modules(self) -> list[tuple[str, Any]]:
        return [(path, module) for module, path in self.found.names.items()]


@frozen
class Arguments:
    """Positional arguments and keywords of a call."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def arguments(given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional arguments and keywords, of what a function of the inputs returned.

    Raises:
        UsageError: it returned nothing.
    """
    if given is None:
        raise UsageError("the function of the inputs must return the arguments, got None")
    if isinstance(given, Arguments):
        return given.args, dict(given.kwargs)
    if isinstance(given, tuple):
        return given, {}
    if isinstance(given, Mapping):
        return (), dict(given)
    return (given,), {}
