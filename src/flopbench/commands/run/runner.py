"""Carry out a plan: price every stage in every mode, count the vendor, compare, report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import attrs

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.checked import workload_facts
from flopbench.analytic.price import StagePrice, price
from flopbench.boundary import calling
from flopbench.commands.run.executed import executed_components
from flopbench.commands.run.provenance import _provenance
from flopbench.commands.run.reconcile import ONE_PER_ELEMENT, compare, with_parts
from flopbench.commands.run.series import _analytic_series, _vendor_series
from flopbench.commands.run.totals import Counts, Prices, _count, _price
from flopbench.conventions import Conventions
from flopbench.errors import CountError
from flopbench.plan import Plan
from flopbench.progress import Progress
from flopbench.registry.catalog import Catalog
from flopbench.report import Comparison, ExecutedComponent, Report, Series
from flopbench.vendor import EXECUTED_FLOP, VERIFIED, VendorCounter, VendorModel
from flopbench.vendor.attribution import Attributed, Failed, attempt, attribute
from flopbench.vendor.checked import component_of, vendor_stage
from flopbench.vendor.counting import count_stage


def run(plan: Plan, catalog: Catalog, progress: Progress | None = None) -> Report:
    """Carry out the plan.

    Raises:
        PluginError: the analytic model or an attention mode raises.
        UsageError: what the vendor side needs is not installed.
    """
    prices = {mode.name: _price_stages(plan, mode) for mode in plan.modes}
    elements = _elements(plan)
    counts = {
        counter.name: _count_stages(plan, vendor, counter, progress or Progress())
        for counter, vendor in plan.vendor_strategies
    }
    series: list[Series] = []
    comparisons: list[Comparison] = []
    for stage in plan.stages:
        series += _vendor_series(plan, stage, counts)
        series += [_analytic_series(stage, mode, prices[mode.name]) for mode in plan.modes]
        comparisons += _comparisons(plan, stage, prices, elements, counts)
    facts = workload_facts(plan.model, plan.workload)
    return Report(
        model=plan.model.name,
        stages=plan.stages,
        workload={**plan.config["workload"], **facts},
        provenance=_provenance(plan, catalog, prices, counts),
        series=tuple(series),
        comparisons=tuple(comparisons),
        executed=tuple(_executed(plan, counts)),
        no_closed_forms=plan.model.no_closed_forms,
    )


def _price_stages(
    plan: Plan, mode: AttentionMode, conventions: Conventions | None = None
) -> Mapping[str, StagePrice]:
    return {
        stage.name: _price_stage(plan, mode, stage, conventions or plan.conventions)
        for stage in plan.base_stages
    }


def _elements(plan: Plan) -> Prices:
    """Price stages at 1 per element, for the counters that count vector work, too."""
    if not any(counter.convention.per_element for counter in plan.counters):
        return {}
    matching = (mode for mode in plan.modes if mode.matches_vendor)
    return {mode.name: _price_stages(plan, mode, ONE_PER_ELEMENT) for mode in matching}


def _price_stage(
    plan: Plan, mode: AttentionMode, stage: Stage, conventions: Conventions
) -> StagePrice:
    what = (
        f"pricing stage {stage.name!r} of model {plan.model.name!r} with attention mode "
        f"{mode.name!r}"
    )
    with calling(what):
        priced = price(
            plan.model.ops(stage.name, plan.workload),
            mode,
            plan.eager,
            conventions,
            plan.model.dtype,
        )
        if type(priced.cost.flops) is not int:
            raise TypeError(f"a run's FLOPs must be an int, got {priced.cost.flops}")
        return priced


def _count_stages(
    plan: Plan, vendor: VendorModel, counter: VendorCounter, progress: Progress
) -> Mapping[str, Attributed | Failed]:
    counts: dict[str, Attributed | Failed] = {}
    for stage in plan.base_stages:
        progress.stage(f"{stage.title.lower()} ({counter.name})")
        count = partial(_count_stage, plan, vendor, counter, stage, progress)
        counts[stage.name] = attempt(count)
    return counts


def _count_stage(
    plan: Plan, vendor: VendorModel, counter: VendorCounter, stage: Stage, progress: Progress
) -> Attributed:
    """Count a stage, by its law if that is asked for and can be measured."""
    notes: tuple[str, ...] = ()
    if _by_law(plan, counter):
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
    calls = vendor_stage(vendor, stage.name, plan.workload)
    attributed = attribute(count_stage(counter, calls, progress.step), component_of(vendor))
    return attrs.evolve(attributed, assumptions=(*attributed.assumptions, *notes))


def _by_law(plan: Plan, counter: VendorCounter) -> bool:
    """Tell whether a counter evaluates laws; what a GPU executes grows in stairs and has none."""
    return plan.method == "symbolic" and counter.variant == VERIFIED


def _executed(plan: Plan, counts: Counts) -> Iterator[ExecutedComponent]:
    """Say per stage and component what was executed, by the counters that measure it."""
    counters = [c for c in plan.counters if c.convention.unit == EXECUTED_FLOP]
    prices = _price_stages(plan, plan.useful) if counters else {}
    for stage in plan.stages:
        for counter in counters:
            counted = _count(stage, counts[counter.name])
            if isinstance(counted, Attributed):
                useful = _price(stage, prices)
                with calling(f"counter {counter.name!r}: tile"):
                    found = list(
                        executed_components(stage.name, counter.name, counted, useful, counter.tile)
                    )
                yield from found


def _comparisons(
    plan: Plan, stage: Stage, prices: Prices, elements: Prices, counts: Counts
) -> Iterator[Comparison]:
    for counter in plan.counters:
        for mode in plan.modes:
            found = [
                compare(
                    part.name,
                    mode,
                    _price(part, prices[mode.name]),
                    counter.name,
                    counter.convention,
                    _count(part, counts[counter.name]),
                    _price(part, elements[mode.name]) if mode.name in elements else None,
                )
                for part in (stage, *(s for s in plan.base_stages if s.name in stage.parts))
            ]
            yield with_parts(found[0], found[1:])
