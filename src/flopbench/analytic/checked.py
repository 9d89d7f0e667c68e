"""Adapters that check what an analytic model and an attention mode return.

`flopbench.plan.Plan` wraps its plugins once. Everything that works with a plan can then trust
their answers: a wrong one is reported where it is given, not by its consequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar, final

from flopbench.analytic.attention import AttentionMode
from flopbench.analytic.model import AnalyticModel, Named, Stage
from flopbench.boundary import answer, calling, declared, facts, raised_in, require_type, texts
from flopbench.dims import Dim
from flopbench.errors import PluginError, UsageError
from flopbench.ops import Attention, Core, Kept, Needs, Op, PricedOp
from flopbench.storage import Storage, dtype_named
from flopbench.text import listed

T = TypeVar("T")


@final
class CheckedModel(AnalyticModel):
    """An analytic model whose answers are checked.

    Raises:
        PluginError: the plugin raises, or returns something wrong.
    """

    def __init__(self, plugin: AnalyticModel) -> None:
        self.plugin: Final = plugin
        self._who: Final = f"model {plugin.name!r}"
        vars(self).update(declared(self._who, plugin, AnalyticModel))
        try:
            dtype_named(self.dtype)
        except UsageError as error:
            raise PluginError(f"{self._who}: {error}") from error
        self._storage: Storage = self._ask(Storage, "storage")
        self._architecture: Any = self._ask(object, "architecture")
        self._no_closed_forms: str | None = self._ask(str | None, "no_closed_forms")
        self._max_positions: int | None = self._ask(int | None, "max_positions")

    def _ask(self, wanted: Any, attribute: str) -> Any:
        return answer(f"{self._who}: {attribute}", wanted, getattr, self.plugin, attribute)

    def _call(self, wanted: Any, method: str, *arguments: Any) -> Any:
        call = getattr(self.plugin, method)
        return answer(f"{self._who}: {method}", wanted, call, *arguments)

    @classmethod
    def from_options(cls, options: Any) -> Self:  # noqa: ARG003 - as declared
        raise TypeError(f"{cls.__name__} wraps an existing model")

    @property
    def no_closed_forms(self) -> str | None:
        return self._no_closed_forms

    @property
    def max_positions(self) -> int | None:
        return self._max_positions

    @property
    def storage(self) -> Storage:
        return self._storage

    @property
    def architecture(self) -> Any:
        return self._architecture

    def workload(self, inputs: Any) -> Any:
        return self._call(object, "workload", inputs)

    def workload_facts(self, workload: Any) -> dict[str, Any]:
        return facts(f"{self._who}: workload_facts", self.plugin.workload_facts, workload)

    def stages_of(self, workload: Any) -> tuple[Stage, ...]:
        found = self._call(tuple, "stages_of", workload)
        if found == self.stages:
            return self.stages
        if not found or any(stage not in self.stages for stage in found):
            declared = listed([stage.name for stage in self.stages], "and")
            raise PluginError(
                f"{self._who}: stages_of must return one or more of its stages ({declared}), "
                f"got {found!r}"
            )
        return tuple(stage for stage in self.stages if stage in found)

    def assumptions(self) -> tuple[str, ...]:
        return texts(f"{self._who}: assumptions", self.plugin.assumptions)

    def notes(self) -> tuple[str, ...]:
        return texts(f"{self._who}: notes", self.plugin.notes)

    def notes_of(self, workload: Any) -> tuple[str, ...]:
        return texts(f"{self._who}: notes_of", self.plugin.notes_of, workload)

    def ops(self, stage: str, workload: Any) -> Iterator[Op]:
        """Yield the operations.

        Raises:
            TypeError: the plugin returns or yields something other than operations. The caller
                turns it into a `PluginError` that says what they were for.
        """
        yield from _all_of(Op, "ops", self.plugin.ops(stage, workload))

    def stage_sizes(self, stage: str, workload: Any) -> dict[str, int]:
        """Return the sizes of a stage, for a workload whose sizes are ints."""
        found = self._call(Mapping, "stage_sizes", stage, workload)
        known = [size.name for size in self.sizes]
        what = f"{self._who}: stage_sizes"
        for name, value in found.items():
            if name not in known:
                names = f"sizes declares {', '.join(known)}" if known else "sizes is empty"
                raise PluginError(f"{what} names {name!r} in stage {stage!r}, but {names}")
            require_type(value, int, f"{what}: {name!r} in stage {stage!r}", "must be")
        return dict(found)

    def stage_workload(self, stage: str, workload: Any, sizes: Mapping[str, Dim]) -> Any:
        return self._call(object, "stage_workload", stage, workload, sizes)

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        return texts(f"{self._who}: layer_names", self.plugin.layer_names, component, role)

    def named(self) -> Named | None:
        found: Named | None = self._call(Named | None, "named")
        return found


def checked_model(model: AnalyticModel) -> CheckedModel:
    """Wrap a model unless it is wrapped already."""
    return model if isinstance(model, CheckedModel) else CheckedModel(model)


@final
class CheckedMode(AttentionMode):
    """An attention mode whose answers are checked."""

    def __init__(self, plugin: AttentionMode) -> None:
        self.plugin: Final = plugin
        vars(self).update(declared(f"attention mode {plugin.name!r}", plugin, AttentionMode))
        what = f"attention mode {plugin.name!r}: series_label"
        self._series_label: str = answer(what, str, plugin.series_label)

    @property
    def says_state(self) -> bool:
        """Whether it is known what the mode keeps: it comes with flopbench, or says so itself."""
        kind = type(self.plugin)
        ships = kind.__module__.partition(".")[0] == "flopbench"
        return ships or kind.state is not AttentionMode.state

    def series_label(self) -> str:
        return self._series_label

    def unsupported(self, op: Core) -> str | None:
        reason = self.plugin.unsupported(op)
        if reason is not None and not isinstance(reason, str):
            raise TypeError(f"unsupported must return a str or None, got {reason!r}")
        return reason

    def on_latents(self, op: Attention) -> bool:
        return bool(self.plugin.on_latents(op))

    def state(self, op: Core) -> Iterator[PricedOp]:
        yield from _all_of(PricedOp, "state", self.plugin.state(op))  # type: ignore[type-abstract]

    def lower(self, op: Core) -> Iterator[PricedOp]:
        yield from _all_of(PricedOp, "lower", self.plugin.lower(op))  # type: ignore[type-abstract]

    def backward(self, op: Core, needs: Needs) -> Iterator[PricedOp]:
        found = self.plugin.backward(op, needs)
        yield from _all_of(PricedOp, "backward", found)  # type: ignore[type-abstract]

    def recomputed(self, op: Core, needs: Needs) -> Iterator[PricedOp]:
        found = self.plugin.recomputed(op, needs)
        yield from _all_of(PricedOp, "recomputed", found)  # type: ignore[type-abstract]

    def keeps(self, op: Core, needs: Needs) -> Iterator[Kept]:
        yield from _all_of(Kept, "keeps", self.plugin.keeps(op, needs))


def checked_mode(mode: AttentionMode) -> CheckedMode:
    """Wrap a mode unless it is wrapped already."""
    return mode if isinstance(mode, CheckedMode) else CheckedMode(mode)


def _all_of(kind: type[T], what: str, value: Any) -> Iterator[T]:
    if not isinstance(value, Iterable):
        raise TypeError(f"{what} must return an iterable of operations, got {value!r}")
    for op in value:
        if not isinstance(op, kind):
            raise TypeError(f"{what} must yield only {kind.__name__} instances, got {op!r}")
        yield op


@contextmanager
def with_symbols(what: str) -> Iterator[None]:
    """Turn what a plugin's code raises into a `PluginError`, as `calling` does.

    An ``if`` on a symbol is reported with the rule that forbids it.
    """
    try:
        with calling(what):
            yield
    except PluginError as error:
        if error.__cause__ is None or not raised_in(error.__cause__, "sympy.core.relational"):
            raise
        raise PluginError(
            f"{error}: an `if` cannot test a symbolic size; use minimum, maximum or where of "
            "flopbench.dims"
        ) from error
