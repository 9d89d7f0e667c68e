"""Adapters that check what a vendor model and a vendor counter return.

`flopbench.plan.Plan` wraps its plugins once. A wrong answer about a call does not end the run: it
becomes a failed count with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final, Self, final

import attrs

from flopbench.boundary import answer, calling, declared, facts, require_type, texts, told
from flopbench.dims import as_dim
from flopbench.errors import CountError, DimError, FlopbenchError, PluginError
from flopbench.vendor.counter import (
    Count,
    Counted,
    Saved,
    SymbolicCounter,
    Trace,
    Uncounted,
    VendorCounter,
)
from flopbench.vendor.model import VERIFIED, VendorCall, VendorModel, VendorStage
from flopbench.vendor.own import OwnFormula

if TYPE_CHECKING:
    import sympy


class WrongAnswerError(CountError):
    """A count that failed because a plugin returned something else than it must."""


@final
class CheckedVendor(VendorModel):
    """A vendor model whose answers are checked."""

    def __init__(self, plugin: VendorModel, variant: str = VERIFIED) -> None:
        self.plugin: Final = plugin
        vars(self).update(declared(f"vendor model {plugin.name!r}", plugin, VendorModel))
        which = "" if variant == VERIFIED else f"variant {variant!r} of "
        self._who: Final = f"{which}vendor model {plugin.name!r}"
        what = f"{self._who}: attention"
        self._attention: str = answer(what, str, getattr, plugin, "attention")

    @classmethod
    def from_options(cls, architecture: Any, options: Any) -> Self:  # noqa: ARG003 - as declared
        raise TypeError(f"{cls.__name__} wraps an existing vendor model")

    @property
    def attention(self) -> str:
        return self._attention

    def variant(self, name: str) -> CheckedVendor:
        if name == VERIFIED:
            return self
        what = f"{self._who}: variant {name!r}"
        return CheckedVendor(answer(what, VendorModel, self.plugin.variant, name), name)

    def stage(self, name: str, workload: Any) -> VendorStage:
        """Return the calls of a stage; each call is checked when it is made.

        Raises:
            CountError: the plugin returns something other than a valid stage.
        """
        stage = self.plugin.stage(name, workload)
        _require(stage, VendorStage, f"{self._who}: stage")
        try:
            as_dim(stage.steps)
        except DimError as error:
            raise WrongAnswerError(f"{self._who}: the steps of stage {name!r}: {error}") from error
        if not isinstance(stage.assumptions, tuple | list):
            raise WrongAnswerError(
                f"{self._who}: the assumptions of stage {name!r} must be a tuple, got "
                f"{stage.assumptions!r}"
            )
        times = stage.times
        if times and (len(times) != stage.steps or any(type(n) is not int or n < 1 for n in times)):
            raise WrongAnswerError(
                f"{self._who}: the times of stage {name!r} must be {stage.steps} positive ints, "
                f"one for each step, got {times!r}"
            )

        def prepare(step: Any) -> VendorCall:
            call = stage.prepare(step)
            _require(call, VendorCall, f"{self._who}: prepare of stage {name!r}")
            return call

        return attrs.evolve(stage, prepare=prepare)

    def shapes(self, stage: str, workload: Any) -> Hashable:
        with calling(f"{self._who}: shapes"):
            found = self.plugin.shapes(stage, workload)
            hash(found)
            return found

    def component(self, module: str) -> str:
        found = self.plugin.component(module)
        _require(found, str, f"{self._who}: component({module!r})")
        return found

    def component_of(self, module: str, op: str) -> str:
        if type(self.plugin).component_of is VendorModel.component_of:
            return self.component(module)
        found = self.plugin.component_of(module, op)
        _require(found, str, f"{self._who}: component_of({module!r}, {op!r})")
        return found

    def provenance(self) -> dict[str, Any]:
        return facts(f"{self._who}: provenance", self.plugin.provenance)

    def notes(self, stage: str, workload: Any, flops: Mapping[str, int]) -> tuple[str, ...]:
        return texts(f"{self._who}: notes", self.plugin.notes, stage, workload, flops)


def checked_vendor(vendor: VendorModel) -> CheckedVendor:
    """Wrap a vendor model unless it is wrapped already."""
    return vendor if isinstance(vendor, CheckedVendor) else CheckedVendor(vendor)


class CheckedCounter(VendorCounter):
    """A vendor counter whose answers are checked; `checked_counter` wraps one."""

    def __init__(self, plugin: VendorCounter) -> None:
        self.plugin: Final[Any] = plugin
        vars(self).update(declared(f"counter {plugin.name!r}", plugin, VendorCounter))

    def count(self, call: VendorCall) -> Count:
        if call.phase is not None and not self.tells_phases:
            raise CountError(
                f"counter {self.name!r} does not tell the passes of a training step apart: the "
                "torch counter does"
            )
        return checked_count(self._call(self.plugin.count, call), self.name)

    def saved(self, call: VendorCall) -> Saved:
        found: Saved = self._call(self.plugin.saved, call)
        _require(found, Saved, f"counter {self.name!r}: saved")
        return found

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the plugin; what it raises is a failed count that names it."""
        try:
            return method(*arguments)
        except FlopbenchError:
            raise
        except (Exception, SystemExit) as error:
            raise CountError(f"counter {self.name!r} failed: {told(error)}") from error

    def own_formulas(self) -> tuple[OwnFormula, ...]:
        what = f"counter {self.name!r}: own_formulas"
        found = tuple(answer(what, tuple | list, self.plugin.own_formulas))
        for formula in found:
            require_type(formula, OwnFormula, what, "must return formulas, each")
        return found

    def without_own_formulas(self) -> CheckedCounter:
        what = f"counter {self.name!r}: without_own_formulas"
        return checked_counter(answer(what, VendorCounter, self.plugin.without_own_formulas))

    def tile(self, op: str) -> str | None:
        found: str | None = answer(f"counter {self.name!r}: tile", str | None, self.plugin.tile, op)
        return found

    def provenance(self) -> dict[str, Any]:
        return facts(f"counter {self.name!r}: provenance", self.plugin.provenance)


@final
class _PlainCounter(CheckedCounter):
    """A vendor counter whose answers are checked."""


@final
class _TracingCounter(CheckedCounter, SymbolicCounter):
    """A counter of symbolic calls whose answers are checked."""

    def trace(
        self,
        prepare: Callable[[Mapping[str, Any]], VendorCall],
        symbols: Mapping[sympy.Symbol, int],
    ) -> Trace:
        trace: Trace = self._call(self.plugin.trace, prepare, symbols)
        _require(trace, Trace, f"counter {self.name!r}")
        return trace

    def with_equal_layers_once(self, apart: AbstractSet[str] = frozenset()) -> SymbolicCounter:
        what = f"counter {self.name!r}: with_equal_layers_once"
        found = answer(what, SymbolicCounter, self.plugin.with_equal_layers_once, apart)
        return self if found is self.plugin else _TracingCounter(found)


def checked_counter(counter: VendorCounter) -> CheckedCounter:
    """Wrap a counter unless it is wrapped already; a symbolic one stays symbolic."""
    if isinstance(counter, CheckedCounter):
        return counter
    symbolic = isinstance(counter, SymbolicCounter)
    return _TracingCounter(counter) if symbolic else _PlainCounter(counter)


def checked_count(count: Count, counter: str) -> Count:
    """Return a count, after checking it and its numbers.

    Raises:
        CountError: it is not a `Count`, or a number in it is not a non-negative integer.
    """
    _require(count, Count, f"counter {counter!r}")
    for name, entries, kind in (
        ("counted", count.counted, Counted),
        ("uncounted", count.uncounted, Uncounted),
    ):
        if not isinstance(entries, tuple | list) or not all(isinstance(e, kind) for e in entries):
            raise WrongAnswerError(
                f"counter {counter!r}: {name} must be a tuple of {kind.__name__}, got {entries!r}"
            )
    for number in (*(e.flops for e in count.counted), *(e.calls for e in count.uncounted)):
        if type(number) is not int or number < 0:
            raise WrongAnswerError(
                f"counter {counter!r} must count in non-negative integers, got {number!r}"
            )
    return count


def _require(value: Any, wanted: Any, what: str) -> None:
    try:
        require_type(value, wanted, what)
    except PluginError as error:
        raise WrongAnswerError(str(error)) from error
