"""The conformance suite of an attention mode."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import attrs

from flopbench.analytic import AnalyticModel, AttentionMode
from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.commands.run.runner import run
from flopbench.conventions import Conventions
from flopbench.ops import Attention, Cost, PricedOp
from flopbench.plan import make_plan
from flopbench.plan.config import load_config
from flopbench.plan.plan import schema_of
from flopbench.registry.catalog import Catalog
from flopbench.registry.loading import Source
from flopbench.testing.costs import (
    WHOLE,
    Lines,
    lines_of,
    map_cost,
    matrix_work,
    require_equal,
    require_whole,
    substituted,
)
from flopbench.testing.strategies import attentions, symbols_of
from flopbench.testing.suite import Conformance, check, for_all, names, require

_VARIED = ("batch", "queries", "keys", "steps")
"""Dimensions that sweeps and proofs leave open."""

_FORMS = 8
"""The most operations that are checked as closed forms, which take SymPy a while."""


class AttentionConformance(Conformance):
    """Checks an attention mode against its contract, on random attention operations.

    A complete test file::

        from flopbench.testing import AttentionConformance

        class TestMine(AttentionConformance):
            mode = "mine"

    Attributes:
        mode: the mode's name.
        examples: how many operations each law is checked on.
    """

    mode: ClassVar[str]
    examples: ClassVar[int] = 60

    @classmethod
    def _mode(cls) -> AttentionMode:
        return _new(cls._catalog().attention_modes.get(cls.mode))

    def _each(
        self, law: Callable[[Attention], None], *, odd: bool = False, examples: int | None = None
    ) -> None:
        """Check a law on the drawn operations that the mode supports."""
        mode = self._mode()

        def supported(op: Attention) -> None:
            if mode.unsupported(op) is None:
                law(op)

        for_all(attentions(odd=odd), supported, examples=examples or self.examples)

    @check()
    def test_declares_itself(self) -> None:
        """It has a summary for `flopbench list`, and a label that no other mode has."""
        mode, modes = self._mode(), self._catalog().attention_modes
        require(mode.summary, f"attention mode {mode.name!r} has no summary for `flopbench list`")
        labels = [modes.get(name)().series_label() for name in names(modes) if name != mode.name]
        label = mode.series_label()
        require(isinstance(label, str) and label, f"series_label must be text, got {label!r}")
        require(label not in labels, f"another mode has the label {label!r}, too")

    @check()
    def test_carries_out_something(self) -> None:
        """It supports plain attention, such as any model has."""
        op = _plain()
        reason = self._mode().unsupported(op)
        require(reason is None, f"even plain attention is not supported: {reason}")

    @check()
    def test_unsupported_gives_a_sentence(self) -> None:
        """It gives a reason, in one line, for what it does not support."""
        mode = self._mode()

        def law(op: Attention) -> None:
            reason = mode.unsupported(op)
            told = isinstance(reason, str) and reason.strip() and "\n" not in reason
            require(
                reason is None or told,
                f"unsupported must return a sentence or None, got {reason!r}",
            )

        for_all(attentions(odd=True), law, examples=self.examples)

    @check()
    def test_costs_are_whole_numbers(self) -> None:
        """It lowers to priced operations of the same component, with non-negative integer costs."""
        mode = self._mode()

        def law(op: Attention) -> None:
            for lowered in mode.lower(op):
                name = type(lowered).__name__
                require(isinstance(lowered, PricedOp), f"lower must yield PricedOps, got a {name}")
                require(
                    f"{lowered.component}/".startswith(f"{op.component}/"),
                    f"{name} is in component {lowered.component!r}, not in {op.component!r}",
                )
                require_whole(lowered.cost(Conventions()), name)

        self._each(law, odd=True)

    @check()
    def test_useful_work_is_bounded(self) -> None:
        """It does some work and, without padding, no more than all query-key pairs take."""
        mode = self._mode()

        def law(op: Attention) -> None:
            cost, eager = _cost(op, mode), _cost(op, Eager())
            useful = cost.tensor_flops - cost.padding_flops
            require(
                useful > 0 or mode.torch_visible_only, f"attention takes no tensor FLOPs for {op}"
            )
            require(
                useful <= eager.tensor_flops,
                f"{useful} useful tensor FLOPs are more than the {eager.tensor_flops} of all "
                f"pairs, masked ones included, for {op}",
            )

        self._each(law)

    @check()
    def test_matches_vendor_only_if_equal_to_eager(self) -> None:
        """A mode that is compared with the vendor does the matrix work of eager attention."""
        mode = self._mode()

        def law(op: Attention) -> None:
            reason = mode.unsupported(op)
            require(reason is None, f"it sets matches_vendor, but does not support {op}: {reason}")
            found, wanted = matrix_work(_lines(op, mode)), matrix_work(_lines(op, Eager()))
            for name, flops in wanted.items():
                require(
                    found[name] == flops,
                    f"it sets matches_vendor, but has {found[name]} {name}, not eager's {flops}",
                )

        if mode.matches_vendor:
            for_all(attentions(odd=True), law, examples=self.examples)

    @check()
    def test_layers_and_batch_are_factors(self) -> None:
        """Layers and sequences are independent: n of them take n times the useful work of one."""
        mode = self._mode()

        def law(op: Attention) -> None:
            for name in ("layers", "batch"):
                one = _useful(_cost(_with(op, **{name: 1}), mode))
                count = getattr(op, name)
                found = _useful(_cost(op, mode))
                require(found == count * one, f"{count} {name} take {found}, not {count} x {one}")

        self._each(law)

    @check()
    def test_steps_add_up(self) -> None:
        """Decoding costs the sum of its steps, each of which sees the keys of those before it."""
        mode = self._mode()

        def law(op: Attention) -> None:
            steps = [
                _cost(_with(op, steps=1, keys=op.keys + step * op.queries), mode)
                for step in range(op.steps)
            ]
            for name in WHOLE:
                found, wanted = (
                    getattr(_cost(op, mode), name),
                    sum(getattr(step, name) for step in steps),
                )
                require(
                    found == wanted,
                    f"{op.steps} steps have {found} {name}, but {wanted} one by one",
                )

        self._each(law)

    @check()
    def test_arrays_equal_ints(self) -> None:
        """An array for a dimension gives the costs that each of its elements gives."""
        import numpy as np

        mode = self._mode()

        def law(op: Attention) -> None:
            for name in _VARIED:
                value = getattr(op, name)
                values = [value, value + 1, value + 40]
                if name == "queries":
                    op = _with(op, keys=op.keys + 40)
                array = _with(op, **{name: np.array(values)})
                require(
                    mode.unsupported(array) is None,
                    f"it supports {name} of {values} as ints, but not in an array",
                )
                together = _cost(array, mode)
                for index, element in enumerate(values):
                    alone = _cost(_with(op, **{name: element}), mode)
                    _require_equal(
                        _element(together, index), alone, f"{name} {element} in an array"
                    )

        self._each(law)

    @check()
    def test_symbols_equal_ints(self) -> None:
        """Substituting numbers in the closed form gives the costs at those numbers."""
        mode = self._mode()

        def law(op: Attention) -> None:
            for name in _VARIED:
                value = getattr(op, name)
                opened = _with(op, **symbols_of({name: 1}))
                if mode.unsupported(opened) is None:
                    form = {("", ""): _cost(opened, mode)}
                    found = substituted(form, {name: value})["", ""]
                    _require_equal(found, _cost(op, mode), f"the form in {name} at {value}")

        self._each(law, examples=min(_FORMS, self.examples))

    @check()
    def test_padding_is_told(self) -> None:
        """Only a mode that sets `tells_padding` has FLOPs of padding."""
        mode = self._mode()

        def law(op: Attention) -> None:
            padding = sum(lowered.padding_flops() for lowered in mode.lower(op))
            require(
                mode.tells_padding or not padding,
                f"{padding} FLOPs of padding, but tells_padding is not set",
            )

        self._each(law)

    @check()
    def test_same_answer_twice(self) -> None:
        """A cost depends on the operation alone."""
        mode = self._mode()

        def law(op: Attention) -> None:
            first = _cost(op, mode)
            _cost(_plain(), mode)
            _require_equal(_cost(op, mode), first, f"priced again: {op}")
            _require_equal(_cost(op, self._mode()), first, f"priced by a new mode: {op}")

        self._each(law)

    @check()
    def test_every_model_runs_with_it(self) -> None:
        """Every installed model can be priced with it, with no change to either.

        The first model of each plugin gets a full report. A model without closed forms is skipped.
        """
        catalog, mode = self._catalog(), self._mode()
        shown: dict[Source, str] = {}
        for name, _kind, source in catalog.models:
            if name.endswith("*"):  # a pattern of names that only its user knows
                continue
            model, workload = _configured(catalog, name)
            if model.no_closed_forms is not None:
                continue
            for stage in model.stages_of(workload):
                if not stage.parts:
                    price(model.ops(stage.name, workload), mode, Eager(), Conventions())
            if source not in shown:
                shown[source] = name
                options = {"run.attention": [self.mode], "run.analytic_only": True}
                report = run(make_plan(catalog, name, options=options), catalog)
                require(
                    {series.label for series in report.series} == {mode.series_label()},
                    f"the report of {name!r} does not show {self.mode!r}",
                )
        require(shown, "no model with closed forms is installed to try it on")


def _configured(catalog: Catalog, name: str) -> tuple[AnalyticModel, Any]:
    """Return a model and its workload by default configuration, with or without closed forms."""
    kind = catalog.models.get(name)
    config = load_config(
        schema_of(kind), model_defaults=kind.defaults, ignored=frozenset({"vendor"})
    )
    model = kind.from_options(config.sections["model"])
    return model, model.workload(config.sections["workload"])


@cache
def _plain() -> Attention:
    return Attention(
        component="attention",
        batch=2,
        heads=4,
        kv_heads=2,
        head_dim=64,
        value_dim=64,
        queries=3,
        keys=7,
        causal=True,
    )


def _with(op: Attention, **changes: Any) -> Attention:
    return attrs.evolve(op, **changes)


def _new(mode: type[AttentionMode]) -> AttentionMode:
    return mode()


def _cost(op: Attention, mode: AttentionMode) -> Cost:
    return price([op], mode, Eager(), Conventions()).cost


def _lines(op: Attention, mode: AttentionMode) -> Lines:
    return lines_of(price([op], mode, Eager(), Conventions()))


def _useful(cost: Cost) -> Any:
    return cost.tensor_flops - cost.padding_flops


def _element(cost: Cost, index: int) -> Cost:
    return map_cost(cost, lambda value: value[index] if hasattr(value, "shape") else value)


def _require_equal(found: Cost, wanted: Cost, what: str) -> None:
    require_equal({("attention", "cost"): found}, {("attention", "cost"): wanted}, what)
