"""The torch counter: FlopCounterMode, per module and op, with an audit of what it missed.

FlopCounterMode adds up the ops that its registry has formulas for and ignores the others
silently. The audit watches every op that runs and reports those that do matrix or
attention work without a formula, so that no blind spot passes for a 0. A few ops that torch has no
formula for have one of flopbench's own (`flopbench.builtin.torch_solves`), which torch's never
meets: what either counts is known by the op.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from copy import copy
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from flopbench import (
    Convention,
    Count,
    Counted,
    CountError,
    OwnFormula,
    Saved,
    SymbolicCounter,
    Trace,
    VendorCall,
    VendorCounter,
    hookimpl,
)
from flopbench.moved import former_names
from flopbench.ops import OWN_VISIBLE, TORCH_VISIBLE

if TYPE_CHECKING:
    import sympy

    from flopbench.builtin.torch_layers import Layers
    from flopbench.builtin.torch_watch import Seen
else:
    __getattr__ = former_names(__name__)


class TorchCounter(SymbolicCounter):
    """Counts with torch.utils.flop_counter.FlopCounterMode, and a few formulas beside its own."""

    name = "torch"
    summary = "torch.utils.flop_counter.FlopCounterMode, with an audit of uncounted ops"
    convention = Convention(unit="FLOP", sees=TORCH_VISIBLE | OWN_VISIBLE)
    tells_phases = True

    def __init__(self) -> None:
        self._steps: WeakKeyDictionary[Any, Seen] = WeakKeyDictionary()
        self._apart: AbstractSet[str] | None = None

    def count(self, call: VendorCall) -> Count:
        seen = self._seen(call).of(call.phase)
        counted = tuple(Counted(m, op, n) for (m, op), n in seen.counted.items())
        return Count(counted, seen.uncounted_ops())

    def _seen(self, call: VendorCall) -> Seen:
        """Run a call; the passes of a training step are those of one run."""
        from flopbench.builtin.torch_watch import watch

        if call.phase is not None and call.run in self._steps:
            return self._steps[call.run]
        seen = watch(call, own=self._formulas(), layers=self._layers(call))
        if seen.total != (found := sum(seen.run())):
            raise CountError(
                f"FlopCounterMode's total {seen.total} is not the sum over modules {found}"
            )
        if call.phase is not None:
            self._steps[call.run] = seen
        return seen

    def saved(self, call: VendorCall) -> Saved:
        from flopbench.builtin.torch_watch import require_torch

        require_torch()
        from flopbench.builtin.torch_saved import saved

        return saved(call)

    def trace(
        self,
        prepare: Callable[[Mapping[str, Any]], VendorCall],
        symbols: Mapping[sympy.Symbol, int],
    ) -> Trace:
        from flopbench.builtin.torch_watch import require_torch

        require_torch()
        from flopbench.builtin.torch_symbolic import trace

        return trace(prepare, symbols, self._formulas(), self._layers)

    def with_equal_layers_once(self, apart: AbstractSet[str] = frozenset()) -> Self:
        found = copy(self)
        vars(found).update(_apart=apart)
        return found

    def _layers(self, call: VendorCall) -> Layers | None:
        """Return what runs equal layers once in a call; None to run every layer."""
        # A layer that is not run leaves nothing to differentiate.
        if self._apart is None or call.phase is not None:
            return None
        from flopbench.builtin.torch_layers import Layers

        return Layers(self._apart)

    def own_formulas(self) -> tuple[OwnFormula, ...]:
        from flopbench.builtin import torch_convolutions, torch_solves

        return *torch_solves.described(), torch_convolutions.described()

    def without_own_formulas(self) -> TorchCounter:
        return TorchAlone()

    def _formulas(self) -> Mapping[Any, Any]:
        """Return the formulas for ops that torch has none for, or a wrong one."""
        from flopbench.builtin.torch_watch import require_torch

        require_torch()
        from flopbench.builtin.torch_convolutions import corrected
        from flopbench.builtin.torch_solves import solves

        return {**solves(), **corrected()}

    def provenance(self) -> Mapping[str, str]:
        from flopbench.builtin.torch_watch import require_torch

        return {"torch": require_torch().__version__}


class TorchAlone(TorchCounter):
    """Counts with torch's formulas alone: what it has none for is uncounted."""

    convention = Convention(unit="FLOP", sees=TORCH_VISIBLE)

    def own_formulas(self) -> tuple[OwnFormula, ...]:
        return ()

    def _formulas(self) -> Mapping[Any, Any]:
        return {}


@hookimpl
def flopbench_vendor_counters() -> list[type[VendorCounter]]:
    """Contribute the torch counter."""
    return [TorchCounter]
