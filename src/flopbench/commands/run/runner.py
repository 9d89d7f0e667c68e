"""Carry out a plan: price every stage in every mode, count the vendor, compare, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import attrs

from flopbench.analytic import Stage
from flopbench.analytic.price import total_price
from flopbench.commands.run.memory import autograd_keeps, memory
from flopbench.commands.run.notes import notes
from flopbench.commands.run.priced import StagePrices, price_stages
from flopbench.commands.run.provenance import provenance
from flopbench.commands.run.rates import required
from flopbench.commands.run.reconcile import ONE_PER_ELEMENT, compare, with_parts
from flopbench.commands.run.result import RunReport
from flopbench.commands.run.series import analytic_series, vendor_series
from flopbench.errors import CountError
from flopbench.executors.frames import roomy
from flopbench.hardware import HardwareOptions
from flopbench.laws.by_length import count_by_length
from flopbench.plan import Plan
from flopbench.plan.targets import Targets
from flopbench.progress import Progress
from flopbench.registry.catalog import Catalog
from flopbench.report import Comparison, ComponentLaw, ExecutedComponent, Series
from flopbench.vendor import EXECUTED_FLOP, VERIFIED, OwnFormula, VendorCounter
from flopbench.vendor.attribution import Attributed, Failed, attempt, attribute, total_count
from flopbench.vendor.checked import CheckedVendor

if TYPE_CHECKING:
    from flopbench.commands.run.deployment import Timed

StageCounts = Mapping[str, Attributed | Failed]


@roomy
def run(
    plan: Plan,
    catalog: Catalog,
    progress: Progress | None = None,
    targets: Targets | None = None,
    *,
    laws: bool = False,
) -> RunReport:
    """Carry out the plan.

    Args:
        targets: times for which the report says what they ask of a machine.
        laws: whether to find the closed form of each component, too.

    Raises:
        PluginError: the analytic model or an attention mode raises.
        UsageError: what the vendor side needs is not installed.
    """
    prices = price_stages(plan, plan.modes)
    timed, targets = _timed(plan, prices), targets or Targets()
    counts = {
        counter.name: _count_stages(plan, vendor, counter, progress or Progress())
        for counter, vendor in plan.vendor_strategies
    }
    return RunReport(
        model=plan.model.name,
        stages=plan.stages,
        workload={**plan.config["workload"], **plan.model.workload_facts(plan.workload)},
        provenance=provenance(plan, catalog, prices, counts),
        series=tuple(_series(plan, prices, counts, timed)),
        comparisons=tuple(_comparisons(plan, prices, counts)),
        executed=tuple(_executed(plan, counts)),
        deployment=timed.deployment(targets) if timed else None,
        required=tuple(required(plan, prices, targets)),
        no_closed_forms=plan.model.no_closed_forms,
        own_formulas=_own_formulas(counts),
        notes=(*notes(plan, prices, counts), *(timed.notes() if timed else ())),
        laws=_laws(plan) if laws else (),
    )


def _laws(plan: Plan) -> tuple[ComponentLaw, ...]:
    from flopbench.commands.run.laws import component_laws  # loads SymPy

    return component_laws(plan)


def _timed(plan: Plan, prices: Mapping[str, StagePrices]) -> Timed | None:
    """Return the times of the stages; None if nothing was said of a GPU."""
    if plan.hardware == HardwareOptions():
        return None
    from flopbench.commands.run.deployment import Timed

    return Timed.of(plan, prices)


def _count_stages(
    plan: Plan, vendor: CheckedVendor, counter: VendorCounter, progress: Progress
) -> StageCounts:
    counts: dict[str, Attributed | Failed] = {}
    for stage in plan.base_stages:
        progress.stage(f"{stage.title.lower()} ({counter.name})")
        count = partial(_count_stage, plan, vendor, counter, stage, progress)
        counts[stage.name] = attempt(count)
    return counts


def _count_stage(
    plan: Plan, vendor: CheckedVendor, counter: VendorCounter, stage: Stage, progress: Progress
) -> Attributed:
    """Count a stage, by its law if that is asked for and there is one."""
    notes: tuple[str, ...] = ()
    # What a GPU executes grows in steps and has no law.
    if plan.method == "symbolic" and counter.variant == VERIFIED:
        from flopbench.laws.vendor_law import count_by_law
        from flopbench.plan.subjects import subject_of

        try:
            subject = subject_of(plan, stage.name, witness=(counter, vendor))
            return count_by_law(subject, progress.step)
        except CountError as error:
            notes = (f"{stage.name} was counted call by call: {error}",)
    calls = vendor.stage(stage.name, plan.workload)
    attributed = attribute(count_by_length(counter, calls, progress.step), vendor.component_of)
    return attrs.evolve(attributed, assumptions=(*attributed.assumptions, *notes))


def _series(
    plan: Plan,
    prices: Mapping[str, StagePrices],
    counts: Mapping[str, StageCounts],
    timed: Timed | None,
) -> Iterator[Series]:
    for stage in plan.stages:
        for counter, vendor in plan.vendor_strategies:
            counted = total_count(stage.base_names, counts[counter.name])
            kept = autograd_keeps(plan, stage, vendor, counter, counted)
            yield vendor_series(stage, vendor, counter, counted, kept)
        for mode in plan.modes:
            priced = total_price(stage, prices[mode.name])
            bound = timed.bound(stage.name, mode.name) if timed else None
            needed = memory(plan, stage, mode)
            yield analytic_series(stage, mode, priced, plan.model.parts, bound, needed)


def _comparisons(
    plan: Plan, prices: Mapping[str, StagePrices], counts: Mapping[str, StageCounts]
) -> Iterator[Comparison]:
    elements = _elements(plan)
    for stage in plan.stages:
        parts = [s for s in plan.base_stages if s.name in stage.parts]
        for counter in plan.counters:
            for mode in plan.modes:
                found = [
                    compare(
                        part.name,
                        mode,
                        total_price(part, prices[mode.name]),
                        counter.name,
                        counter.convention,
                        total_count(part.base_names, counts[counter.name]),
                        total_price(part, elements[mode.name]) if mode.name in elements else None,
                    )
                    for part in (stage, *parts)
                ]
                yield with_parts(found[0], found[1:])


def _own_formulas(counts: Mapping[str, StageCounts]) -> Mapping[str, tuple[OwnFormula, ...]]:
    """Return, by counter, the formulas of its own that gave some of its numbers."""
    found = {
        name: dict.fromkeys(
            formula
            for counted in by_stage.values()
            if isinstance(counted, Attributed)
            for formula in counted.own_formulas
        )
        for name, by_stage in counts.items()
    }
    return {name: tuple(used) for name, used in found.items() if used}


def _elements(plan: Plan) -> Mapping[str, StagePrices]:
    """Price stages at 1 per element, for the counters that also count vector work."""
    if not any(counter.convention.per_element for counter in plan.counters):
        return {}
    pricer = attrs.evolve(plan.pricer, conventions=ONE_PER_ELEMENT)
    matching = (mode for mode in plan.modes if mode.matches_vendor)
    return price_stages(plan, matching, pricer)


def _executed(plan: Plan, counts: Mapping[str, StageCounts]) -> Iterator[ExecutedComponent]:
    """Yield what was executed per stage and component, by the counters that measure it."""
    if plan.useful is None:
        return
    from flopbench.commands.run.executed import executed_components

    prices = price_stages(plan, [plan.useful])[plan.useful.name]
    for stage in plan.stages:
        for counter in plan.counters:
            counted = total_count(stage.base_names, counts[counter.name])
            if counter.convention.unit == EXECUTED_FLOP and isinstance(counted, Attributed):
                yield from executed_components(
                    stage.name, counter, counted, total_price(stage, prices)
                )
