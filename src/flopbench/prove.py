"""Prove that vendor and analytic FLOPs are equal: subtract two closed forms and look for 0."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence

import sympy
from attrs import frozen

from flopbench import __version__
from flopbench.catalog import Catalog
from flopbench.compare import Failed
from flopbench.counting import sums
from flopbench.errors import CountError, FlopbenchError, UsageError, calling, describe, unknown
from flopbench.forms import symbol, terms
from flopbench.law import Law, Subject
from flopbench.laws import vendor_law
from flopbench.model import Size, Stage
from flopbench.plan import Plan
from flopbench.pricing import price
from flopbench.progress import Progress
from flopbench.proof import Equation, Proof, ProofVerdict, Term, worst
from flopbench.vendor import VendorCounter, VendorModel

Forms = Mapping[tuple[str, str], sympy.Expr]
"""Closed forms by component and op."""


def prove(
    plan: Plan,
    catalog: Catalog,
    symbols: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Prove the plan's stages for every value of the open sizes.

    Args:
        symbols: names of the sizes to leave open; None for all that the model has.

    Raises:
        UsageError: there is nothing to prove, or nothing to prove it with.
        PluginError: the analytic model raises.
    """
    progress = progress or Progress()
    vendor, counter = _witness(plan)
    sizes = _open_sizes(plan, symbols)
    analytic: dict[str, Forms] = {}
    laws: dict[str, Law | Failed] = {}
    for stage in plan.base_stages:
        analytic[stage.name] = analytic_forms(plan, stage, sizes, counter)
        progress.stage(f"{stage.title.lower()} ({counter.name})")
        laws[stage.name] = _law(plan, vendor, counter, stage, sizes, progress)
    equations: list[Equation] = []
    for stage in plan.stages:
        parts = stage.parts or (stage.name,)
        sides = [(analytic[name], laws[name]) for name in parts]
        equations += _Stage(stage, tuple(sides)).equations()
    with calling(f"model {plan.model.name!r}: workload_facts"):
        facts = dict(plan.model.workload_facts(plan.workload))
    with calling(f"vendor model {plan.model.name!r}: provenance"):
        provenance = dict(vendor.provenance())
    versions = {"flopbench": __version__, "python": platform.python_version()}
    versions |= {"sympy": sympy.__version__, **counter.provenance()}
    versions |= {source.origin: source.version for source in catalog.sources if source.version}
    return Proof(
        model=plan.model.name,
        counter=counter.name,
        sizes=sizes,
        stages=plan.stages,
        workload={**plan.config["workload"], **facts},
        equations=tuple(equations),
        versions=versions,
        vendor=provenance,
        assumptions=plan.model.assumptions(),
    )


def _witness(plan: Plan) -> tuple[VendorModel, VendorCounter]:
    if plan.vendor is None:
        raise UsageError("a proof needs the vendor side: leave out run.analytic_only")
    if len(plan.counters) != 1:
        names = ", ".join(counter.name for counter in plan.counters)
        raise UsageError(f"a proof takes one counter, got {names}")
    (counter,) = plan.counters
    if counter.convention.unit != "FLOP":
        raise UsageError(
            f"a proof needs a counter of FLOPs: {counter.name!r} counts {counter.convention.unit}"
        )
    return plan.vendor, counter


def _open_sizes(plan: Plan, symbols: Sequence[str] | None) -> tuple[Size, ...]:
    """Return the sizes to leave open: those asked for, of those that some stage has."""
    model = plan.model
    with calling(f"model {model.name!r}: stage_sizes"):
        present = {
            name for s in plan.base_stages for name in model.stage_sizes(s.name, plan.workload)
        }
    sizes = tuple(size for size in model.sizes if size.name in present)
    if not sizes:
        raise UsageError(f"model {model.name!r} declares no sizes that a proof could leave open")
    if symbols is None:
        return sizes
    for name in symbols:
        if name not in present:
            raise UsageError(unknown(f"symbol of {model.name} in these stages", name, present))
    return tuple(size for size in sizes if size.name in symbols)


def analytic_forms(
    plan: Plan, stage: Stage, sizes: tuple[Size, ...], counter: VendorCounter
) -> Forms:
    """Price a stage eagerly with symbols for sizes: what the counter should see, by op.

    Raises:
        PluginError: the model raises, or its dimensions take no symbols.
    """
    model = plan.model
    with calling(f"pricing stage {stage.name!r} of model {model.name!r} with symbols"):
        values = dict(model.stage_sizes(stage.name, plan.workload))
        values |= {s.name: symbol(s.name, s.minimum) for s in sizes if s.name in values}
        workload = model.stage_workload(stage.name, plan.workload, values)
        priced = price(model.ops(stage.name, workload), plan.eager, plan.eager, plan.conventions)
        return {
            (line.component, line.kind): sympy.expand(line.cost.tensor_flops)
            for line in priced.lines
            if line.kind in counter.convention.sees
        }


def _law(
    plan: Plan,
    vendor: VendorModel,
    counter: VendorCounter,
    stage: Stage,
    sizes: tuple[Size, ...],
    progress: Progress,
) -> Law | Failed:
    subject = Subject(
        vendor=vendor,
        counter=counter,
        model=plan.model,
        stage=stage.name,
        workload=plan.workload,
        open_sizes=sizes,
    )
    try:
        return vendor_law(subject, progress.step)
    except CountError as error:
        return Failed(str(error))
    except FlopbenchError:
        raise
    except Exception as error:  # noqa: BLE001 - a failed count is a result, whatever failed
        return Failed(f"the vendor model could not be counted: {describe(error)}")


@frozen(eq=False)
class _Stage:
    """A stage with both sides of its parts."""

    stage: Stage
    parts: tuple[tuple[Forms, Law | Failed], ...]

    def equations(self) -> Iterator[Equation]:
        """Yield the whole stage, then, unless it is composed, its components."""
        analytic: Forms = sums(item for forms, _ in self.parts for item in forms.items())
        failed = [law for _, law in self.parts if isinstance(law, Failed)]
        if failed:
            yield Equation(
                stage=self.stage.name,
                component=None,
                vendor=None,
                analytic=sympy.expand(sum(analytic.values())),
                difference=None,
                verdict="incomplete",
                reason=failed[0].reason,
            )
            return
        laws = [law for _, law in self.parts if isinstance(law, Law)]
        vendor: Forms = sums(item for law in laws for item in law.forms.items())
        names = dict.fromkeys(component for component, _op in (*analytic, *vendor))
        uncounted = [op for law in laws for op in law.uncounted]
        names |= dict.fromkeys(op.component for op in uncounted)
        components = [self._component(name, analytic, vendor, laws) for name in names]
        yield self._whole(components, laws)
        if not self.stage.parts:
            yield from components

    def _component(self, name: str, analytic: Forms, vendor: Forms, laws: list[Law]) -> Equation:
        ours, theirs = _ops(analytic, name), _ops(vendor, name)
        sides = (sympy.expand(sum(theirs.values())), sympy.expand(sum(ours.values())))
        uncounted = tuple(op for law in laws for op in law.uncounted if op.component == name)
        verdict, reason = _verdict(*sides, uncounted_ops=[op.op for op in uncounted], laws=laws)
        return Equation(
            stage=self.stage.name,
            component=name,
            vendor=sides[0],
            analytic=sides[1],
            difference=sympy.expand(sides[1] - sides[0]),
            verdict=verdict,
            reason=reason,
            assumptions=_assumptions(laws),
            terms=_differing(*sides),
            uncounted=uncounted,
            vendor_ops=theirs,
            analytic_ops=ours,
        )

    def _whole(self, components: list[Equation], laws: list[Law]) -> Equation:
        vendor = sympy.expand(sum(form for law in laws for form in law.forms.values()))
        analytic = sympy.expand(sum(c.analytic for c in components))
        verdict = worst([c.verdict for c in components]) if components else "incomplete"
        reasons = [f"{c.component}: {c.reason}" for c in components if c.reason]
        if vendor == 0:
            verdict, reasons = "incomplete", ["the counter saw no FLOPs, which proves nothing"]
        return Equation(
            stage=self.stage.name,
            component=None,
            vendor=vendor,
            analytic=analytic,
            difference=sympy.expand(analytic - vendor),
            verdict=verdict,
            reason="; ".join(reasons) or None,
            assumptions=_assumptions(laws),
            terms=_differing(vendor, analytic),
            uncounted=tuple(op for c in components for op in c.uncounted),
        )


def _ops(forms: Forms, component: str) -> dict[str, sympy.Expr]:
    return {op: form for (name, op), form in forms.items() if name == component}


def _assumptions(laws: list[Law]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for law in laws for note in law.assumptions))


def _verdict(
    vendor: sympy.Expr, analytic: sympy.Expr, *, uncounted_ops: list[str], laws: list[Law]
) -> tuple[ProofVerdict, str | None]:
    if uncounted_ops:
        names = ", ".join(sorted(set(uncounted_ops)))
        return "incomplete", f"the vendor runs ops that the counter has no formula for: {names}"
    difference = sympy.expand(analytic - vendor)
    if difference != 0:
        difference = sympy.simplify(difference)
    if difference == 0:
        symbolic = all(law.method == "symbolic" for law in laws)
        return ("proved", None) if symbolic else ("interpolated", "not every size stayed a symbol")
    if difference.is_polynomial() or _shows(difference):
        return "differs", f"analytic minus vendor is {sympy.expand(difference)}"
    return "incomplete", f"SymPy cannot tell whether {difference} is 0"


def _shows(difference: sympy.Expr) -> bool:
    """Tell whether some small sizes make the difference another number than 0."""
    names = sorted(difference.free_symbols, key=str)
    points = [{name: i + 3 * j for j, name in enumerate(names)} for i in (1, 2, 7, 100, 5000)]
    return any(difference.subs(point).doit() != 0 for point in points)


def _differing(vendor: sympy.Expr, analytic: sympy.Expr) -> tuple[Term, ...]:
    theirs, ours = terms(vendor), terms(analytic)
    zero = sympy.Integer(0)
    both = [(t, theirs.get(t, zero), ours.get(t, zero)) for t in {**theirs, **ours}]
    return tuple(Term(*found) for found in both if found[1] != found[2])
