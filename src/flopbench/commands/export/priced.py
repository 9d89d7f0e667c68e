"""What a stage costs, quantity by quantity: with symbols for its sizes, or with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, cast

from attrs import field, frozen

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.checked import with_symbols
from flopbench.analytic.price import StagePrice, pricing, total_price
from flopbench.analytic.step_memory import step_memory
from flopbench.analytic.trained import TrainedModel
from flopbench.dims import Dim, is_array, is_zero
from flopbench.exports.laws import FLOPS
from flopbench.exports.tree import InexpressibleError, Tree, largest, of
from flopbench.ops import OWN_VISIBLE, TORCH_VISIBLE
from flopbench.plan import Plan
from flopbench.tally import sums
from flopbench.training_step import STAGE_OF, TRAIN, Phase

Key = tuple[str, str, str | None]
"""Quantity, attention mode and component; no component for the whole stage."""

Price = Callable[[], Any]
"""Returns a form, or the forms that a quantity is the largest of."""

_MOVED = (
    *("weight_bytes_read", "kv_cache_bytes_read", "kv_cache_bytes_written"),
    *("activation_bytes_read", "activation_bytes_written"),
)


@frozen(eq=False)
class Prices:
    """Prices the stages of a plan at any sizes.

    Attributes:
        modes: the attention modes; those of the plan, eager first.
    """

    plan: Plan
    modes: tuple[AttentionMode, ...]
    _known: dict[Any, dict[str, StagePrice]] = field(factory=dict, init=False)

    @classmethod
    def of(cls, plan: Plan) -> Prices:
        """Return the prices of a plan: eager attention, and its other modes."""
        others = [mode for mode in plan.modes if mode.name != plan.eager.name]
        return cls(plan, (plan.eager, *others))

    def sizes(self, stage: Stage) -> dict[str, int]:
        """Return the sizes that a stage has, or its parts have, with their values."""
        found: dict[str, int] = {}
        for name in stage.base_names:
            found |= self.plan.model.stage_sizes(name, self.plan.workload)
        return found

    def at(self, stage: Stage, sizes: Mapping[str, Dim]) -> dict[Key, Price]:
        """Price a stage at sizes that are numbers or symbols, in all modes.

        Raises:
            PluginError: the model raises, or its dimensions take no symbols.
        """
        with with_symbols(f"{pricing(self.plan.model, stage.name)} with symbols"):
            by_name = {name: self._base(name, sizes) for name in stage.base_names}
        found = self._all(stage, by_name)
        if stage.name == TRAIN:
            for mode in self.modes:
                memory = self._memory(mode, sizes)
                found |= {(q, mode.name, None): price for q, price in memory}
        return found

    def of_workload(self, stage: Stage) -> dict[Key, Price]:
        """Price a stage of the workload itself, as `flopbench run` does.

        Raises:
            PluginError: the model raises.
        """
        plan = self.plan
        names = stage.base_names
        return self._all(
            stage,
            {n: plan.pricer.in_modes(plan.model, n, plan.workload, self.modes) for n in names},
        )

    def _all(
        self, stage: Stage, by_name: Mapping[str, Mapping[str, StagePrice]]
    ) -> dict[Key, Price]:
        found: dict[Key, Price] = {}
        for mode in self.modes:
            priced = total_price(stage, {name: each[mode.name] for name, each in by_name.items()})
            found |= {(q, mode.name, c): price for (q, c), price in self._of(mode, priced)}
        return found

    def eagerly(self, stage: Stage, sizes: Mapping[str, Dim]) -> dict[str, frozenset[str]]:
        """Return the components that each mode runs eagerly at these sizes."""
        found = [self._base(name, sizes) for name in stage.base_names]
        return {
            mode.name: frozenset(f.component for each in found for f in each[mode.name].fallbacks)
            for mode in self.modes
        }

    def _base(self, name: str, sizes: Mapping[str, Dim]) -> dict[str, StagePrice]:
        """Price a stage that is no sum, once at the same sizes: sums of stages share it."""
        plan, model = self.plan, self.plan.model
        own = model.stage_sizes(name, plan.workload)
        given = own | {size: value for size, value in sizes.items() if size in own}
        key = (name, *given.items())
        arrays = any(map(is_array, given.values()))
        if arrays or key not in self._known:
            workload = model.stage_workload(name, plan.workload, given)
            found = plan.pricer.in_modes(model, name, workload, self.modes)
            if arrays:
                return found
            self._known[key] = found
        return self._known[key]

    def _of(
        self, mode: AttentionMode, priced: StagePrice
    ) -> Iterator[tuple[tuple[str, str | None], Price]]:
        cost, held = priced.cost, priced.footprint
        seen = dict(sums(priced.seen(self.sees)))
        unseen = [line for line in priced.lines if line.kind not in self.sees]
        if mode.name != self.plan.eager.name:
            seen, unseen = _tensor(priced), []
        vector = sums((line.component, line.cost.vector_flops) for line in priced.lines)
        yield (FLOPS, None), partial(sum, seen.values())
        rest = sum(line.cost.tensor_flops for line in unseen)
        if not is_zero(rest):
            yield ("unseen_flops", None), partial(_as_is, rest)
        yield ("vector_flops", None), partial(_as_is, cost.vector_flops)
        yield from (((name, None), partial(getattr, cost, name)) for name in _MOVED)
        yield ("bytes_moved", None), partial(_moved, cost)
        yield ("kv_cache_bytes", None), partial(_as_is, held.kv_cache_bytes)
        yield ("weight_bytes", None), partial(getattr, held, "total_weight_bytes")
        yield ("peak_activation_bytes", None), partial(_as_is, held.alive_bytes)
        largest_of = tuple(made.bytes for made in held.made)
        yield ("largest_tensor_bytes", None), partial(_as_is, largest_of)
        for quantity, by_component in ((FLOPS, seen), ("vector_flops", vector)):
            for component, form in by_component.items():
                if not is_zero(form):
                    yield (quantity, component), partial(_as_is, form)

    @property
    def sees(self) -> frozenset[str]:
        """The kinds of operation that the counter sees; those of a proof's, if there is none."""
        for counter in self.plan.counters:
            return counter.convention.sees
        own = self.plan.config.get("run", {}).get("own_formulas", True)
        return TORCH_VISIBLE | OWN_VISIBLE if own else TORCH_VISIBLE

    def _memory(self, mode: AttentionMode, sizes: Mapping[str, Dim]) -> Iterator[tuple[str, Price]]:
        """Yield what a training step keeps."""
        plan = self.plan
        model = cast("TrainedModel", plan.model.plugin)
        part = STAGE_OF[Phase.FORWARD]
        own = model.stage_sizes(part, plan.workload)
        given = {**own, **{name: value for name, value in sizes.items() if name in own}}

        @cache
        def memory() -> Any:
            with with_symbols(f"{pricing(plan.model, TRAIN, mode)} in memory"):
                workload = model.stage_workload(part, plan.workload, given)
                return step_memory(model, workload, plan.pricer, mode)

        yield "parameter_bytes", lambda: memory().parameters
        yield "gradient_bytes", lambda: memory().gradients
        yield "state_bytes", lambda: memory().states
        yield "saved_bytes", lambda: sum(memory().saved.values())


def _as_is(form: Any) -> Any:
    return form


def _tensor(priced: StagePrice) -> dict[str, Any]:
    return dict(sums((line.component, line.cost.tensor_flops) for line in priced.lines))


def _moved(cost: Any) -> Any:
    if not is_zero(cost.expected_expert_bytes_read):
        raise InexpressibleError(
            "the bytes of routed experts are an expected value, which need not be whole"
        )
    return sum(getattr(cost, name) for name in _MOVED)


def tree_of(price: Price) -> Tree:
    """Return the tree of a quantity.

    Raises:
        InexpressibleError: it has a part that no tree has.
        FlopbenchError: it cannot be priced with symbols.
    """
    found = price()
    return largest(found) if isinstance(found, tuple) else of(found)


def number_of(price: Price) -> int:
    """Return a quantity that was priced at numbers."""
    found = price()
    return int(max(found, default=0) if isinstance(found, tuple) else found)
