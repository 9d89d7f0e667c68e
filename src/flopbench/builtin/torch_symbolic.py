"""Count a call whose sizes are symbols: FlopCounterMode under fake tensors gives closed forms.

A fake tensor has a shape and no values, and its sizes may be symbolic ints. Every formula
of FlopCounterMode then returns an expression. Where the program branches on a size, torch
follows an example value and records the condition as a guard. Sizes of 0 and 1 are special
to torch (broadcasting), so a symbol stands for 2 and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import sympy
import torch
from torch._decomp import get_decompositions
from torch._dispatch.python import enable_python_dispatcher
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode, disable_fake_tensor_cache
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv
from torch.utils._python_dispatch import TorchDispatchMode

from flopbench import CountError, Trace, VendorCall
from flopbench.boundary import told
from flopbench.builtin.torch_layers import Layers
from flopbench.builtin.torch_solves import shaped
from flopbench.builtin.torch_watch import NONE, watch

_BINDING = (torch.ops.aten.constant_pad_nd,)
"""Ops whose fake kernel binds symbols to their examples, while their decomposition does not.

None does matrix work, and neither do the ops that they decompose to.
"""

_PLAIN: dict[str, Callable[..., sympy.Expr]] = {
    "CeilDiv": lambda a, b: sympy.ceiling(a / b),
    "CleanDiv": lambda a, b: a / b,
    "FloorDiv": lambda a, b: sympy.floor(a / b),
    "Max": sympy.Max,
    "Min": sympy.Min,
    "Mod": sympy.Mod,
    "PythonMod": sympy.Mod,
}
"""SymPy's functions that mean the same as torch's, by the class name of torch's."""


def trace(
    prepare: Callable[[Mapping[str, Any]], VendorCall],
    symbols: Mapping[sympy.Symbol, int],
    own: Mapping[Any, Any] = NONE,
    layers_of: Callable[[VendorCall], Layers | None] = lambda _call: None,
) -> Trace:
    """Count a call with symbolic sizes (`flopbench.vendor.SymbolicCounter.trace`).

    Args:
        own: as in `flopbench.builtin.torch_watch.watch`.
        layers_of: returns what runs equal layers of a call once, if anything does.

    Raises:
        CountError: the call fails, or FlopCounterMode's total is not the sum over modules.
    """
    # Symbols with equal examples must stay separate.
    shapes = ShapeEnv(duck_shape=False)
    sizes = {symbol: _size(shapes, symbol.name, value) for symbol, value in symbols.items()}
    with FakeTensorMode(shape_env=shapes, allow_non_fake_inputs=True) as fake:
        try:
            with _Decomposing():  # a cache may be filled by calls of the model
                call = prepare({symbol.name: size for symbol, size in sizes.items()})
        except CountError:
            raise
        except (Exception, SystemExit) as error:
            raise CountError(f"the vendor call could not be prepared: {told(error)}") from error
        # Before 2.13 torch's own matmul binds sizes; the one that it has in Python does not.
        layers = layers_of(call)
        with ExitStack() as ways:
            if torch.__version__ < "2.13":
                ways.enter_context(enable_python_dispatcher())
            if layers is not None:
                # Torch keeps what an op returned, at the price of a second run, for ops to come.
                ways.enter_context(disable_fake_tensor_cache(fake))
            seen = watch(call, _Decomposing(), own=own, layers=layers).of(call.phase)
    names = {size.node.expr: symbol for symbol, size in sizes.items()}

    def form(value: Any) -> sympy.Expr:
        # What torch learnt about its symbols while tracing may simplify earlier expressions.
        return _plain(shapes.simplify(_expression(value))).xreplace(names)

    # Repeated layers have the very numbers of those that stand for them.
    distinct = {id(value): value for value in seen.counted.values()}
    forms = {number: form(value) for number, value in distinct.items()}
    flops = {key: forms[id(value)] for key, value in seen.counted.items()}
    _require_sum(seen.total, seen.run(), form)
    found = {symbol.name: shapes.simplify(size.node.expr) for symbol, size in sizes.items()}
    return Trace(
        flops=flops,
        uncounted=seen.uncounted_ops(),
        guards=tuple(dict.fromkeys(_plain(g.expr).xreplace(names) for g in shapes.guards)),
        bound={name: int(value) for name, value in found.items() if value.is_Integer},
        stood_for={} if layers is None else layers.repeated,
    )


def _require_sum(total: Any, parts: Iterable[Any], form: Callable[[Any], sympy.Expr]) -> None:
    """Hold FlopCounterMode's total against the sum over modules.

    They are compared as they were added up: torch may simplify one in another way than the other.
    """
    listed = [*parts]
    if sympy.expand(_expression(total) - sympy.Add(*map(_expression, listed))) != 0:
        run = sympy.Add(*map(form, listed))
        raise CountError(f"FlopCounterMode's total {form(total)} is not the sum over modules {run}")


def _size(shapes: ShapeEnv, name: str, example: int) -> Any:
    source = ConstantSource(name)
    symbol = shapes.create_symbol(example, source, dynamic_dim=DimDynamic.DYNAMIC)
    return shapes.create_symintnode(symbol, hint=example, source=source)


def _expression(value: Any) -> sympy.Expr:
    return value.node.expr if isinstance(value, torch.SymInt) else sympy.Integer(value)


def _plain(expression: Any) -> Any:
    return expression.replace(
        lambda e: type(e).__name__ in _PLAIN, lambda e: _PLAIN[type(e).__name__](*e.args)
    )


class _Decomposing(TorchDispatchMode):
    """Runs the ops of `_BINDING` as their decompositions, and solves for their shapes alone."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._table = {**get_decompositions(_BINDING), **shaped()}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._table.get(func, func)(*args, **(kwargs or {}))
