"""What a component is told by: the module, or an op within a module."""

from types import SimpleNamespace

import attrs

from flopbench import MatMul
from flopbench.commands.prove.runner import prove
from flopbench.commands.run.runner import run
from flopbench.commands.sweep.pool import vendor_counts
from flopbench.commands.sweep.units import units
from flopbench.vendor import Count, Counted, StageCount, Uncounted
from flopbench.vendor.attribution import Entry, UncountedOp, attribute
from flopbench.vendor.checked import CheckedVendor
from support.proofs import plan_of
from toy.sized import WIDTH, SizedToy, Sizes, TorchVendor

CATALOG = SimpleNamespace(sources=(), failures=(), versions={})


class TwoParts(SizedToy):
    """A linear layer, and scores of its input."""

    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        b, s = workload.B, workload.S
        yield MatMul(component="scores", batch=b, m=s, k=WIDTH, n=s)


class OneModule(TorchVendor):
    """Both parts run in one module, so only their ops tell them apart."""

    def component_of(self, module, op):
        return "scores" if op == "aten.bmm" else self.component(module)


def both(x, linear):
    return linear(x), x @ x.transpose(1, 2)


def test_an_op_within_a_module_is_attributed_in_runs_and_proofs():
    plan = plan_of(TwoParts(), OneModule(both), Sizes())
    (comparison,) = run(plan, CATALOG).comparisons
    assert comparison.verdict == "exact"
    assert {c.component: c.vendor_flops for c in comparison.components} == {
        "layer": 2 * 3 * 20 * 4 * 4,
        "scores": 2 * 3 * 20 * 20 * 4,
    }
    proof = prove(plan, CATALOG)
    assert {(e.component, str(e.vendor), e.verdict) for e in proof.equations if e.component} == {
        ("layer", "32*B*S", "proved"),
        ("scores", "8*B*S**2", "proved"),
    }


def test_an_op_within_a_module_is_attributed_in_sweeps_counted_or_by_law():
    workloads = [Sizes(B=2, S=s) for s in (10, 20, 30, 40)]
    for method in ("concrete", "symbolic"):
        model = TwoParts()
        base = attrs.evolve(plan_of(model, OneModule(both), workloads[0]), method=method)
        plan = SimpleNamespace(
            base=base,
            stages=model.stages,
            workloads=workloads,
            plans=[base] * len(workloads),
            by_plan=[(base, range(len(workloads)))],
        )
        found = vendor_counts(plan, None, units(plan))
        counts = {unit: counted for each in found for unit, counted in each.by_unit.items()}
        found = [counts[unit].by_component for unit in units(plan)]
        assert found == [{"layer": 64 * w.S, "scores": 16 * w.S**2} for w in workloads]


def test_ops_without_a_formula_are_attributed_by_op_too():
    counted = StageCount(
        Count(
            (Counted("block", "mm", 5), Counted("block", "bmm", 7)), (Uncounted("block", "f", 2),)
        )
    )
    found = attribute(counted, lambda module, op: f"{module}/{op}")
    assert found.entries == (Entry("block/mm", "mm", 5), Entry("block/bmm", "bmm", 7))
    assert found.uncounted == (UncountedOp("block/f", "f", 2),)


def test_a_vendor_that_tells_modules_only_is_asked_for_modules():
    class ByModule(TorchVendor):
        def component(self, module):
            return f"of {module}"

    for vendor in (ByModule(both), CheckedVendor(ByModule(both))):
        assert vendor.component_of("layers.3", "aten.bmm") == "of layers.3"
