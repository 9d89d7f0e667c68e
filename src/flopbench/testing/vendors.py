"""The checks of a model that has a vendor: exact, eager, without weights, and proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import pytest
from hypothesis import strategies as st

from flopbench.analytic.price import price
from flopbench.commands.run.reconcile import compare
from flopbench.conventions import Conventions
from flopbench.plan import Plan
from flopbench.plan.structure import structure
from flopbench.report import Comparison
from flopbench.testing import strategies
from flopbench.testing.suite import check, for_all, require
from flopbench.vendor import VERIFIED, VendorModel, VendorStage
from flopbench.vendor.attribution import attribute
from flopbench.vendor.checked import CheckedVendor
from flopbench.vendor.counting import count_stage

if TYPE_CHECKING:
    from flopbench.analytic import AnalyticModel

_FEW = 3
"""Counted workloads are small: this is how far above its lowest value a size may lie."""


class VendorChecks:
    """Mixed into `flopbench.testing.ModelConformance`, which has the model and the strategies."""

    if TYPE_CHECKING:
        vendor_examples: ClassVar[int]

        @classmethod
        def _plan(cls) -> Plan: ...

        @classmethod
        def _catalog(cls) -> Any: ...

        @classmethod
        def _stages(cls) -> list[str]: ...

        @classmethod
        def _subjects(cls, span: int = 0) -> st.SearchStrategy[tuple[AnalyticModel, Any]]: ...

    @classmethod
    def _vendor(cls) -> CheckedVendor:
        vendor = cls._plan().vendor
        if vendor is None:
            pytest.skip(f"there is no vendor model {cls._plan().model.name!r}")
        return vendor

    @classmethod
    def _vendor_of(cls, model: AnalyticModel) -> VendorModel:
        """Return the vendor of a drawn model, built from its architecture."""
        vendor, plan = cls._vendor(), cls._plan()
        if model is plan.model:
            return vendor
        options = structure("vendor", plan.config["vendor"], vendor.options_type)
        return type(vendor.plugin).from_options(model.architecture, options)

    def _each_counted(self, law: Callable[[AnalyticModel, Any], None]) -> None:
        """Check a law on drawn models and small workloads."""
        for_all(
            self._subjects(span=_FEW),
            lambda drawn: law(drawn[0], strategies.workload(*drawn)),
            examples=self.vendor_examples,
            shrink=False,
        )

    def _comparison(self, model: AnalyticModel, stage: str, workload: Any) -> Comparison:
        plan, vendor = self._plan(), self._vendor_of(model)
        (counter,) = plan.counters
        counted = count_stage(counter, vendor.stage(stage, workload))
        return compare(
            stage,
            plan.eager,
            price(model.ops(stage, workload), plan.eager, plan.eager, Conventions()),
            counter.name,
            counter.convention,
            attribute(counted, vendor.component_of),
        )

    @check(cases="_stages")
    def test_vendor_equals_analytic(self, case: str) -> None:
        """The vendor's count and the closed form are equal, component by component."""
        self._vendor()
        plan = self._plan()
        _require_exact(self._comparison(plan.model, case, plan.workload))

    @check(cases="_stages")
    def test_vendor_equals_analytic_elsewhere(self, case: str) -> None:
        """The same for other workloads, and other architectures if the author draws any."""
        self._vendor()
        self._each_counted(lambda m, workload: _require_exact(self._comparison(m, case, workload)))

    @check(cases="_stages")
    def test_vendor_components_are_known(self, case: str) -> None:
        """Every component that the vendor's work is attributed to is in the closed forms, too."""
        vendor, plan = self._vendor(), self._plan()
        (counter,) = plan.counters
        counted = count_stage(counter, vendor.stage(case, plan.workload)).count.counted
        known = {op.component for op in plan.model.ops(case, plan.workload)}
        for entry in counted:
            component = vendor.component_of(entry.module, entry.op)
            require(
                component in known,
                f"{entry.op} in the vendor's module {entry.module!r} is attributed to "
                f"{component!r}, which no operation of stage {case!r} has: {sorted(known)}",
            )

    @check(cases="_stages")
    def test_vendor_is_eager(self, case: str) -> None:
        """The vendor computes attention by products that a counter sees, not in a fused kernel."""
        from flopbench.testing.fused import fused_calls

        vendor, plan = self._vendor(), self._plan()
        require(vendor.attention == "eager", f"the vendor must be eager, got {vendor.attention!r}")
        require(vendor.variant(VERIFIED).attention == "eager", "the verified variant is not eager")
        call = vendor.stage(case, plan.workload).prepare(1)
        for name, module in call.root.named_modules():
            config = getattr(module, "config", None)
            attention = getattr(config, "_attn_implementation", None)
            require(
                attention in (None, "eager"),
                f"the vendor's {name or 'model'} is set to {attention} attention, not eager",
            )
        found = fused_calls(call)
        require(not found, f"the vendor calls {', '.join(found)} in stage {case!r}: run it eagerly")

    @check(cases="_stages")
    def test_vendor_holds_no_weights(self, case: str) -> None:
        """The vendor is built on the meta device."""
        stage = self._vendor().stage(case, self._plan().workload)
        for name, weight in stage.prepare(1).root.named_parameters():
            require(weight.device.type == "meta", f"weight {name} is on {weight.device}, not meta")

    @check(cases="_stages")
    def test_vendor_answers_the_same_twice(self, case: str) -> None:
        """A count depends on the workload alone, not on what was counted before."""
        vendor, plan = self._vendor(), self._plan()

        def count(stage: VendorStage) -> Any:
            return count_stage(plan.counters[0], stage).count

        stage = vendor.stage(case, plan.workload)
        first = count(stage)
        require(count(stage) == first, f"stage {case!r} counts differently when called again")

        def law(_model: AnalyticModel, workload: Any) -> None:
            count(vendor.stage(case, workload))
            again = count(vendor.stage(case, plan.workload))
            require(again == first, f"stage {case!r} counts differently after {workload}")

        for_all(
            self._subjects(span=_FEW),
            lambda drawn: law(plan.model, strategies.workload(plan.model, drawn[1])),
            examples=min(2, self.vendor_examples),
            shrink=False,
        )

    @check(cases="_stages")
    def test_vendor_shapes_tell_workloads_apart(self, case: str) -> None:
        """Workloads of equal `VendorModel.shapes`, which a sweep counts once, cost the same."""
        vendor, plan = self._vendor(), self._plan()

        def visible(workload: Any) -> int:
            ops = plan.model.ops(case, workload)
            return int(price(ops, plan.eager, plan.eager, Conventions()).torch_visible_flops)

        def law(drawn: Any) -> None:
            one, other = (strategies.workload(plan.model, inputs) for inputs in drawn)
            if vendor.shapes(case, one) == vendor.shapes(case, other):
                require(
                    visible(one) == visible(other),
                    f"shapes of stage {case!r} are equal for {one} and {other}, but FLOPs are not",
                )

        inputs = self._subjects(span=1).map(lambda drawn: drawn[1])
        near = inputs.flatmap(lambda i: st.tuples(st.just(i), strategies.sizes_like(i, span=1)))
        for_all(near, law, examples=50)

    @check(cases="_stages")
    def test_proof(self, case: str) -> None:
        """Vendor and closed form are equal for every value of the open sizes."""
        from flopbench.commands.prove.runner import prove

        self._vendor()
        plan = self._plan()
        if not plan.model.stage_sizes(case, plan.workload):
            pytest.skip(f"stage {case!r} has no open sizes")
        stages = tuple(stage for stage in plan.model.stages if stage.name == case)
        for equation in prove(attrs.evolve(plan, stages=stages), self._catalog()).equations:
            where = equation.component or f"stage {case!r}"
            require(
                equation.verdict in {"proved", "interpolated"} and equation.difference == 0,
                f"{where} is not proved ({equation.verdict}): vendor {equation.vendor}, analytic "
                f"{equation.analytic}; {equation.reason}",
            )


def _require_exact(comparison: Comparison) -> None:
    """Fail unless vendor and closed form are equal in every component, and not 0."""
    for c in comparison.components:
        require(
            c.difference == 0,
            f"{c.component} in stage {comparison.stage!r}: vendor {c.vendor_flops:,}, analytic "
            f"{c.analytic_flops:,}, difference {c.difference:+,}",
        )
    require(comparison.verdict == "exact", f"stage {comparison.stage!r}: {comparison.reason}")
