"""Carry out a plan: price every stage in every mode, count the vendor, compare, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import attrs

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.price import Pricer, StagePrice, pricing, total_price
from flopbench.boundary import calling
from flopbench.commands.run.notes import notes
from flopbench.commands.run.provenance import provenance
from flopbench.commands.run.reconcile import ONE_PER_ELEMENT, compare, with_parts
from flopbench.commands.run.series import analytic_series, vendor_series
from flopbench.errors import CountError
from flopbench.plan import Plan
from flopbench.progress import Progress
from flopbench.registry.catalog import Catalog
from flopbench.report import Comparison, ExecutedComponent, Report, Series
from flopbench.vendor import EXECUTED_FLOP, VERIFIED, VendorCounter
from flopbench.vendor.attribution import Attributed, Failed, attempt, attribute, total_count
from flopbench.vendor.checked import CheckedVendor
from flopbench.vendor.counting import count_stage

StagePrices = Mapping[str, StagePrice]
StageCounts = Mapping[str, Attributed | Failed]


def run(plan: Plan, catalog: Catalog, progress: Progress | None = None) -> Report:
    """Carry out the plan.

    Raises:
        PluginError: the analytic model or an attention mode raises.
        UsageError: what the vendor side needs is not installed.
    """
    prices = {mode.name: _price_stages(plan, mode) for mode in plan.modes}
    counts = {
        counter.name: _count_stages(plan, vendor, counter, progress or Progress())
        for counter, vendor in plan.vendor_strategies
    }
    return Report(
        model=plan.model.name,
        stages=plan.stages,
        workload={**plan.config["workload"], **plan.model.workload_facts(plan.workload)},
        provenance=provenance(plan, catalog, prices, counts),
        series=tuple(_series(plan, prices, counts)),
        comparisons=tuple(_comparisons(plan, prices, counts)),
        executed=tuple(_executed(plan, counts)),
        no_closed_forms=plan.model.no_closed_forms,
        notes=notes(plan, prices, counts),
    )


def _price_stages(plan: Plan, mode: AttentionMode, pricer: Pricer | None = None) -> StagePrices:
    return {
        stage.name: _price_stage(plan, mode, stage, pricer or plan.pricer)
        for stage in plan.base_stages
    }


def _price_stage(plan: Plan, mode: AttentionMode, stage: Stage, pricer: Pricer) -> StagePrice:
    priced = pricer.stage(plan.model, stage.name, plan.workload, mode)
    with calling(pricing(plan.model, stage.name, mode)):
        if type(priced.cost.flops) is not int:
            raise TypeError(f"a run's FLOPs must be an int, got {priced.cost.flops}")
    return priced


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
        from flopbench.laws.law import Subject
        from flopbench.laws.vendor_law import count_by_law

        subject = Subject(
            vendor=vendor,
            counter=counter,
            model=plan.model,
            stage=stage.name,
            workload=plan.workload,
            open_sizes=plan.model.sizes,
        )
        try:
            return count_by_law(subject, progress.step)
        except CountError as error:
            notes = (f"{stage.name} was counted call by call: {error}",)
    calls = vendor.stage(stage.name, plan.workload)
    attributed = attribute(count_stage(counter, calls, progress.step), vendor.component_of)
    return attrs.evolve(attributed, assumptions=(*attributed.assumptions, *notes))


def _series(
    plan: Plan, prices: Mapping[str, StagePrices], counts: Mapping[str, StageCounts]
) -> Iterator[Series]:
    for stage in plan.stages:
        for counter, vendor in plan.vendor_strategies:
            counted = total_count(stage.base_names, counts[counter.name])
            yield vendor_series(stage, vendor, counter, counted)
        for mode in plan.modes:
            yield analytic_series(stage, mode, total_price(stage, prices[mode.name]))


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


def _elements(plan: Plan) -> Mapping[str, StagePrices]:
    """Price stages at 1 per element, for the counters that also count vector work."""
    if not any(counter.convention.per_element for counter in plan.counters):
        return {}
    pricer = attrs.evolve(plan.pricer, conventions=ONE_PER_ELEMENT)
    matching = (mode for mode in plan.modes if mode.matches_vendor)
    return {mode.name: _price_stages(plan, mode, pricer) for mode in matching}


def _executed(plan: Plan, counts: Mapping[str, StageCounts]) -> Iterator[ExecutedComponent]:
    """Yield what was executed per stage and component, by the counters that measure it."""
    if plan.useful is None:
        return
    from flopbench.commands.run.executed import executed_components

    prices = _price_stages(plan, plan.useful)
    for stage in plan.stages:
        for counter in plan.counters:
            counted = total_count(stage.base_names, counts[counter.name])
            if counter.convention.unit == EXECUTED_FLOP and isinstance(counted, Attributed):
                yield from executed_components(
                    stage.name, counter, counted, total_price(stage, prices)
                )
