"""The conformance suite of a model: its closed forms, and the vendor that they must equal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from flopbench.analytic import AnalyticModel
from flopbench.analytic.price import price
from flopbench.analytic.price_many import Evaluator
from flopbench.commands.run.runner import run
from flopbench.commands.sweep.plan import plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.conventions import Conventions
from flopbench.errors import DimError
from flopbench.ops import Op
from flopbench.plan import Plan, make_plan
from flopbench.plan.structure import structure
from flopbench.testing import strategies
from flopbench.testing.costs import (
    FLOPS,
    Lines,
    elements,
    lines_of,
    matrix_work,
    require_equal,
    require_whole,
    substituted,
    total,
)
from flopbench.testing.suite import Conformance, check, for_all, names, require
from flopbench.testing.vendors import VendorChecks

_IMPORTS = """
import sys
from flopbench.commands.run.runner import run
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
model, plugins, overrides = eval(sys.argv[1])
catalog = build_catalog(load_plugins(plugins))
run(make_plan(catalog, model, overrides=overrides, options={"run.analytic_only": True}), catalog)
heavy = [name for name in ("torch", "transformers") if name in sys.modules]
sys.exit(f"the closed forms load {' and '.join(heavy)}" if heavy else 0)
"""


class ModelConformance(VendorChecks, Conformance):
    """Checks a model against its contract, and its closed forms against the vendor model.

    The vendor model is the one of the same name, if there is one. A complete test file::

        from flopbench.testing import ModelConformance

        class TestMine(ModelConformance):
            model = "mine"

    Attributes:
        model: the model's name.
        overrides: configuration, as on the command line: a small architecture and workload keep
            the checks fast.
        inputs: a strategy for instances of ``inputs_type``; by default derived from the types of
            its fields.
        models: a strategy for small models of this kind, each with a different architecture.
        examples: how many examples each law of the closed forms is checked on.
        vendor_examples: how many workloads are counted besides the configured one.
    """

    model: ClassVar[str]
    overrides: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[SearchStrategy[Any] | None] = None
    models: ClassVar[SearchStrategy[AnalyticModel] | None] = None
    examples: ClassVar[int] = 15
    vendor_examples: ClassVar[int] = 4

    @classmethod
    def _plan(cls) -> Plan:
        """Plan an eager run of the model as configured."""
        return _plan(cls.model, cls.plugins, cls.overrides)

    @classmethod
    def _stages(cls) -> list[str]:
        plan = cls._plan()
        return [s.name for s in plan.model.stages_of(plan.workload) if not s.parts]

    @classmethod
    def _base_inputs(cls) -> Any:
        plan = cls._plan()
        return structure("workload", plan.config["workload"], plan.model.inputs_type)

    @classmethod
    def _subjects(cls, span: int = strategies.SPAN) -> SearchStrategy[tuple[AnalyticModel, Any]]:
        """Draw (model, inputs): the model as configured, or small ones if the author gives any."""
        base = cls._base_inputs()
        inputs = strategies.inputs(base, span=span) if cls.inputs is None else cls.inputs
        configured = st.just(cls._plan().model)
        models = configured if cls.models is None else st.one_of(configured, cls.models)
        return st.tuples(models, inputs)

    def _each(self, law: Callable[[AnalyticModel, Any], None]) -> None:
        """Check a law on drawn models and workloads."""
        for_all(
            self._subjects(),
            lambda drawn: law(drawn[0], strategies.workload(*drawn)),
            examples=self.examples,
        )

    def _each_with_sizes(
        self, stage: str, law: Callable[[AnalyticModel, Any, dict[str, int]], None]
    ) -> None:
        """Check a law on drawn models, workloads and values of a stage's open sizes."""
        if not self._plan().model.sizes:
            pytest.skip("the model declares no sizes")

        @st.composite
        def points(draw: st.DrawFn) -> tuple[AnalyticModel, Any, dict[str, int]]:
            drawn = draw(self._subjects())
            workload = strategies.workload(*drawn)
            return drawn[0], workload, draw(strategies.sizes(drawn[0], stage, workload))

        for_all(points(), lambda point: law(*point), examples=self.examples)

    @check()
    def test_declares_what_exists(self) -> None:
        """Stages, parts and sizes that the class names exist; facts can be written as JSON."""
        plan = self._plan()
        model, stages = plan.model, [stage.name for stage in plan.model.stages]
        require(model.summary, f"model {model.name!r} has no summary for `flopbench list`")
        per_token = () if model.per_token is None else (model.per_token,)
        for name in (*model.first_token, *per_token):
            require(name in stages, f"first_token and per_token must name stages, got {name!r}")
        open_sizes = [size.name for size in model.sizes]
        require(len(set(open_sizes)) == len(open_sizes), f"sizes {open_sizes} share a name")
        components = {
            op.component for name in self._stages() for op in model.ops(name, plan.workload)
        }
        for part in model.parts:
            found = any(f"{component}/".startswith(f"{part}/") for component in components)
            require(found, f"no component path starts with {part!r}, which parts names")
        json.dumps(dict(model.workload_facts(plan.workload)))
        for note in model.assumptions():
            require(isinstance(note, str) and note, f"an assumption must be text, got {note!r}")

    @check(cases="_stages")
    def test_costs_are_whole_numbers(self, case: str) -> None:
        """Every operation has a component and non-negative integer costs; a stage is not free."""
        plan = self._plan()

        def law(model: AnalyticModel, workload: Any) -> None:
            for op in model.ops(case, workload):
                require(isinstance(op, Op), f"stage {case!r} must yield operations, got {op!r}")
                path = op.component
                require(
                    path and all(path.split("/")), f"{type(op).__name__} has component {path!r}"
                )
            for (component, kind), cost in _lines(model, case, workload).items():
                require_whole(cost, f"{kind} in {component}")

        self._each(law)
        cost = total(_lines(plan.model, case, plan.workload).values())
        require(cost.tensor_flops, f"stage {case!r} has no tensor FLOPs at all")

    @check()
    def test_composed_stages_are_the_sums_of_their_parts(self) -> None:
        """A composed stage is reported as the sum of its parts."""
        plan = self._plan()
        stages = plan.model.stages_of(plan.workload)
        alone = attrs.evolve(plan, vendor=None, counters=(), stages=stages)
        report = run(alone, self._catalog())
        flops = {series.stage: series.flops for series in report.series}
        for stage in stages:
            if stage.parts:
                parts = sum(flops[name] or 0 for name in stage.parts)
                require(flops[stage.name] == parts, f"{stage.name} is not the sum of its parts")

    @check()
    def test_arrays_equal_ints(self) -> None:
        """A whole sweep in one evaluation gives what each point gives alone."""
        plan = self._plan()

        @st.composite
        def sweeps(draw: st.DrawFn) -> tuple[AnalyticModel, list[Any]]:
            model, first = draw(self._subjects())
            others = draw(st.lists(strategies.sizes_like(first), min_size=2, max_size=4))
            return model, [strategies.workload(model, inputs) for inputs in (first, *others)]

        def law(drawn: tuple[AnalyticModel, list[Any]]) -> None:
            model, workloads = drawn
            pricer = attrs.evolve(plan.pricer, storage=model.storage)
            evaluator = Evaluator(model=model, modes=(plan.eager,), pricer=pricer)
            try:
                together = evaluator.points(workloads)
            except DimError as error:
                # Too large for an array: rightly refused, so this is no example.
                assume("64-bit" not in str(error))
                raise
            for workload, found in zip(workloads, together, strict=True):
                (alone,) = evaluator.points([workload])
                for key, by_kind in alone.items():
                    for kind, wanted in by_kind.items():
                        for name, value in wanted.items():
                            _require_close(
                                found[key][kind].get(name, 0),
                                value,
                                f"{name} of {key[1]} at {workload} in an array",
                            )

        for_all(sweeps(), law, examples=self.examples)

    @check(cases="_stages")
    def test_sizes_describe_the_workload(self, case: str) -> None:
        """A stage's workload built from the workload's own sizes has the same FLOPs."""

        def law(model: AnalyticModel, workload: Any, sizes: dict[str, int]) -> None:
            own = dict(model.stage_sizes(case, workload))
            same = model.stage_workload(case, workload, own)
            require_equal(
                _lines(model, case, same),
                _lines(model, case, workload),
                f"stage_workload of {case!r} at the workload's own sizes {own}",
                FLOPS,
            )
            other = model.stage_workload(case, workload, sizes)
            found = dict(model.stage_sizes(case, other))
            require(found == sizes, f"the stage's sizes are {found}, but {sizes} were put in")

        self._each_with_sizes(case, law)

    @check(cases="_stages")
    def test_symbols_equal_ints(self, case: str) -> None:
        """Substituting numbers in the closed form of the open sizes gives the costs at those."""

        def law(model: AnalyticModel, workload: Any, sizes: dict[str, int]) -> None:
            lows = {size.name: size.minimum for size in model.sizes if size.name in sizes}
            opened = model.stage_workload(case, workload, strategies.symbols_of(lows))
            forms = _lines(model, case, opened)
            numbers = _lines(model, case, model.stage_workload(case, workload, sizes))
            require_equal(substituted(forms, sizes), numbers, f"the closed form at {sizes}")

        self._each_with_sizes(case, law)

    @check(cases="_stages")
    def test_sizes_in_arrays_equal_ints(self, case: str) -> None:
        """An array for a size gives the costs that each of its elements gives."""
        import numpy as np

        def law(model: AnalyticModel, workload: Any, sizes: dict[str, int]) -> None:
            for name, value in sizes.items():
                values = (value, value + 1, 2 * value + 3)
                arrays = model.stage_workload(case, workload, {**sizes, name: np.array(values)})
                lines = _lines(model, case, arrays)
                for index, element in enumerate(values):
                    alone = model.stage_workload(case, workload, {**sizes, name: element})
                    what = f"an array of {name} at {element}"
                    require_equal(elements(lines, index), _lines(model, case, alone), what)

        self._each_with_sizes(case, law)

    @check(cases="_stages")
    def test_flops_grow_with_sizes(self, case: str) -> None:
        """A larger size never reduces FLOPs; tensor FLOPs are proportional to a batch size."""

        def law(model: AnalyticModel, workload: Any, sizes: dict[str, int]) -> None:
            def flops(values: Mapping[str, int]) -> dict[str, int]:
                point = model.stage_workload(case, workload, values)
                return matrix_work(_lines(model, case, point))

            before = flops(sizes)
            for size in model.sizes:
                if size.name not in sizes:
                    continue
                after = flops({**sizes, size.name: sizes[size.name] + 1})
                for name, value in before.items():
                    what = f"{name} with {size.name}={sizes[size.name]} and one more"
                    require(value <= after[name], f"{what} fall from {value} to {after[name]}")
                if size.batch:
                    tripled = flops({**sizes, size.name: 3 * sizes[size.name]})
                    wanted = {name: 3 * value for name, value in before.items()}
                    what = f"three times the batch size {size.name} of {sizes}"
                    require(tripled == wanted, f"{what} takes {tripled}, not {wanted}")

        self._each_with_sizes(case, law)

    @check(cases="_stages")
    def test_same_answer_twice(self, case: str) -> None:
        """A price depends on the workload alone, not on earlier prices or the model instance."""
        plan = self._plan()
        options = structure("model", plan.config["model"], plan.model.options_type)

        def law(model: AnalyticModel, workload: Any) -> None:
            own = getattr(model, "plugin", model)
            before = repr(workload), repr(own.architecture)
            first = _lines(model, case, workload)
            _lines(model, case, plan.workload)
            require_equal(_lines(model, case, workload), first, "priced again")
            require(
                (repr(workload), repr(own.architecture)) == before,
                f"pricing stage {case!r} changes the workload or the architecture",
            )
            if model is plan.model:
                fresh = type(plan.model.plugin).from_options(options)
                require_equal(_lines(fresh, case, workload), first, "priced by a new model")

        self._each(law)

    @check(cases="_stages")
    def test_every_attention_mode_prices_it(self, case: str) -> None:
        """Every attention mode prices the model, and all but attention costs the same."""
        plan = self._plan()
        modes = self._catalog().attention_modes
        eager = price(plan.model.ops(case, plan.workload), plan.eager, plan.eager, Conventions())
        fixed = {
            op.component for op in plan.model.ops(case, plan.workload) if hasattr(op, "cost")
        } - {op.component for op in plan.model.ops(case, plan.workload) if not hasattr(op, "cost")}
        for name in names(modes):
            mode = modes.get(name)()
            priced = price(plan.model.ops(case, plan.workload), mode, plan.eager, Conventions())
            for line in priced.lines:
                require_whole(line.cost, f"{line.kind} in {line.component} under {name}")
            if not mode.torch_visible_only:
                own = {key: cost for key, cost in lines_of(priced).items() if key[0] in fixed}
                wanted = {key: c for key, c in lines_of(eager).items() if key[0] in fixed}
                require_equal(own, wanted, f"work other than attention under {name}")

    @check()
    def test_names_stand_for_the_numbers(self) -> None:
        """The model with named dimensions, with their values substituted, costs the same."""
        plan = self._plan()
        named = plan.model.named()
        if named is None:
            pytest.skip("the model has no names for its dimensions")
        values = {symbol.name: int(value) for symbol, value in named.values.items()}
        for name in values:
            require(named.meanings.get(name), f"meanings does not explain the dimension {name}")
        for stage in self._stages():
            forms = _lines(named.model, stage, plan.workload)
            numbers = _lines(plan.model, stage, plan.workload)
            require_equal(substituted(forms, values), numbers, f"the names of stage {stage!r}")

    @check()
    def test_sweeps_can_be_planned(self) -> None:
        """Every named sweep has points, stages that exist, and a horizontal axis in the facts."""
        model = self._plan().model
        for sweep in model.sweeps:
            request = SweepRequest(
                model=model.name,
                name=sweep.name,
                # A sweep sets the workload's keys itself.
                overrides=tuple(o for o in self.overrides if not o.startswith("workload.")),
                options={"run.analytic_only": True},
            )
            planned = plan_sweep(self._catalog(), request)
            require(planned.points, f"sweep {sweep.name!r} has no points")
            missing = set(sweep.stages) - {stage.name for stage in model.stages}
            require(not missing, f"sweep {sweep.name!r} must name stages, got {missing}")

    @check()
    def test_closed_forms_need_no_torch(self) -> None:
        """The analytic side alone loads neither torch nor transformers."""
        subject = repr((self.model, self.plugins, self.overrides))
        done = subprocess.run(  # noqa: S603 - this Python
            [sys.executable, "-c", _IMPORTS, subject], capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, (done.stderr.strip().splitlines() or [""])[-1])


@cache
def _plan(model: str, plugins: tuple[str, ...], overrides: tuple[str, ...]) -> Plan:
    from flopbench.testing.suite import catalog_with

    catalog = catalog_with(plugins)
    alone = catalog.vendor_models.find(model) is None
    options = {"run.attention": ["eager"], "run.counters": ["torch"], "run.analytic_only": alone}
    return make_plan(catalog, model, overrides=overrides, options=options)


def _lines(model: AnalyticModel, stage: str, workload: Any) -> Lines:
    """Price a stage eagerly, under the default convention."""
    from flopbench.builtin.eager import Eager

    priced = price(model.ops(stage, workload), Eager(), Eager(), Conventions(), model.storage)
    return lines_of(priced)


def _require_close(found: Any, wanted: Any, what: str) -> None:
    equal = found == wanted
    if isinstance(wanted, float):
        equal = abs(found - wanted) <= 1e-9 * abs(wanted)
    require(equal, f"{what} is {found}, not {wanted}")
