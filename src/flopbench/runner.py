"""Carry out a plan: price every stage in every mode, count the vendor, compare, report."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from flopbench.analytic import AttentionMode, Stage
from flopbench.analytic.checked import assumptions, workload_facts
from flopbench.analytic.price import Fallback, StagePrice, price
from flopbench.boundary import calling, told_by
from flopbench.compare import ONE_PER_ELEMENT, compare, with_parts
from flopbench.conventions import Conventions
from flopbench.errors import CountError
from flopbench.executed import executed_components
from flopbench.ops import Cost
from flopbench.plan import Plan
from flopbench.progress import Progress
from flopbench.registry.catalog import Catalog
from flopbench.report import Comparison, ExecutedComponent, Provenance, Report, Series
from flopbench.vendor import EXECUTED_FLOP, VERIFIED, VendorCounter, VendorModel
from flopbench.vendor.attribution import Attributed, Entry, Failed, attempt, attribute
from flopbench.vendor.checked import component_of, vendor_stage
from flopbench.vendor.counting import count_stage
from flopbench.version import __version__

Prices = Mapping[str, Mapping[str, StagePrice]]
"""By attention mode and stage."""

Counts = Mapping[str, Mapping[str, Attributed | Failed]]
"""By counter and stage."""


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


def _price(stage: Stage, prices: Mapping[str, StagePrice]) -> StagePrice:
    """Return a stage's price; a composed stage's is the sum of its parts'."""
    return sum((prices[name] for name in stage.parts or (stage.name,)), StagePrice(()))


def _count(stage: Stage, counts: Mapping[str, Attributed | Failed]) -> Attributed | Failed:
    """Return a stage's count; a composed stage's is the sum of its parts', if none failed."""
    total = Attributed((), ())
    for name in stage.parts or (stage.name,):
        part = counts[name]
        if isinstance(part, Failed):
            return part
        total += part
    return total


def _vendor_series(plan: Plan, stage: Stage, counts: Counts) -> Iterator[Series]:
    for counter, vendor in plan.vendor_strategies:
        counted = _count(stage, counts[counter.name])
        series = Series(
            stage=stage.name,
            kind="vendor",
            attention=vendor.attention,
            counter=counter.name,
            label=f"vendor ({vendor.attention}, {counter.name})",
            flops=None,
            unit=counter.convention.unit,
        )
        if isinstance(counted, Failed):
            yield attrs.evolve(series, error=counted.reason)
        else:
            yield attrs.evolve(
                series,
                flops=counted.flops,
                breakdown=counted.entries,
                uncounted=counted.uncounted,
            )


def _analytic_series(stage: Stage, mode: AttentionMode, prices: Mapping[str, StagePrice]) -> Series:
    priced = _price(stage, prices)
    cost = priced.cost
    return Series(
        stage=stage.name,
        kind="analytic",
        attention=mode.name,
        counter=None,
        label=mode.series_label(),
        flops=int(cost.flops),
        tensor_flops=int(cost.tensor_flops),
        vector_flops=int(cost.vector_flops),
        torch_visible_flops=int(cost.torch_visible_flops),
        **_useful(mode, cost),
        breakdown=tuple(
            Entry(line.component, line.kind, int(line.cost.flops)) for line in priced.lines
        ),
    )


def _useful(mode: AttentionMode, cost: Cost) -> dict[str, Any]:
    """Return what part of the tensor work is useful, if the mode tells."""
    useful = int(cost.tensor_flops - cost.padding_flops)
    if not mode.tells_padding:
        return {}
    ratio = int(cost.tensor_flops) / useful if useful else None
    return {"useful_flops": useful, "executed_ratio": ratio}


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


def _provenance(plan: Plan, catalog: Catalog, prices: Prices, counts: Counts) -> Provenance:
    vendor = told_by(f"vendor model {plan.model.name!r}", plan.vendor) if plan.vendor else {}
    versions = {"flopbench": __version__, "python": platform.python_version()}
    versions |= {s.origin: s.version for s in catalog.sources if s.version}
    counters = {
        counter.name: {
            "unit": counter.convention.unit,
            "sees": sorted(counter.convention.sees),
            "per_element": dict(counter.convention.per_element),
            "method": _method(counts[counter.name].values()),
            **told_by(f"counter {counter.name!r}", counter),
            **_variant(counter, vendor_run),
        }
        for counter, vendor_run in plan.vendor_strategies
    }
    return Provenance(
        versions=versions,
        plugins=tuple(
            [{"name": s.name, "origin": s.origin, "error": None} for s in catalog.sources]
            + [
                {"name": f.source.name, "origin": f.source.origin, "error": f.error}
                for f in catalog.failures
            ]
        ),
        vendor=vendor,
        counters=counters,
        convention=plan.config["conventions"],
        config=plan.config,
        assumptions=_assumptions(plan, counts),
        fallbacks=_fallbacks(prices),
    )


def _method(counts: Iterable[Attributed | Failed]) -> str:
    """Say how the stages were counted: by law, call by call, or some so and some so."""
    by_law = {isinstance(counted, Attributed) and counted.by_law for counted in counts}
    return "mixed" if len(by_law) > 1 else "symbolic" if by_law == {True} else "concrete"


def _variant(counter: VendorCounter, vendor: VendorModel) -> Mapping[str, Any]:
    """Say which variant of the vendor model a counter ran, if not the verified one."""
    if counter.variant == VERIFIED:
        return {}
    told = told_by(f"variant {counter.variant!r} of the vendor model", vendor)
    return {"variant": counter.variant, "vendor": told}


def _assumptions(plan: Plan, counts: Counts) -> tuple[str, ...]:
    notes = dict.fromkeys(assumptions(plan.model))
    for by_stage in counts.values():
        for counted in by_stage.values():
            if isinstance(counted, Attributed):
                notes |= dict.fromkeys(counted.assumptions)
    return tuple(notes)


def _fallbacks(prices: Prices) -> tuple[Fallback, ...]:
    every = (f for by_stage in prices.values() for p in by_stage.values() for f in p.fallbacks)
    return tuple(dict.fromkeys(every))
