"""Carry out a plan: price every stage in every mode, count the vendor, compare, report."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping

import attrs

from flopbench import __version__
from flopbench.attention import AttentionMode
from flopbench.catalog import Catalog
from flopbench.compare import Attributed, Failed, attribute, compare
from flopbench.counting import count_stage
from flopbench.errors import CountError, FlopbenchError, calling, describe
from flopbench.model import Stage
from flopbench.plan import Plan
from flopbench.pricing import Fallback, StagePrice, price
from flopbench.report import Comparison, Entry, Provenance, Report, Series
from flopbench.vendor import VendorCounter, VendorModel


class Progress:
    """Told what is being counted; does nothing, unless overridden."""

    def stage(self, title: str) -> None:
        """Take note that the counting of a stage begins."""

    def step(self, number: int) -> None:
        """Take note that one of its steps has been counted."""


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
    counts = {
        counter.name: _count_stages(plan, plan.vendor, counter, progress or Progress())
        for counter in plan.counters
        if plan.vendor
    }
    series: list[Series] = []
    comparisons: list[Comparison] = []
    for stage in plan.stages:
        series += _vendor_series(plan, stage, counts)
        series += [_analytic_series(stage, mode, prices[mode.name]) for mode in plan.modes]
        comparisons += _comparisons(plan, stage, prices, counts)
    with calling(f"model {plan.model.name!r}: workload_facts"):
        facts = dict(plan.model.workload_facts(plan.workload))
    return Report(
        model=plan.model.name,
        stages=plan.stages,
        workload={**plan.config["workload"], **facts},
        provenance=_provenance(plan, catalog, prices, counts),
        series=tuple(series),
        comparisons=tuple(comparisons),
    )


def _price_stages(plan: Plan, mode: AttentionMode) -> Mapping[str, StagePrice]:
    return {stage.name: _price_stage(plan, mode, stage) for stage in plan.base_stages}


def _price_stage(plan: Plan, mode: AttentionMode, stage: Stage) -> StagePrice:
    what = (
        f"pricing stage {stage.name!r} of model {plan.model.name!r} with attention mode "
        f"{mode.name!r}"
    )
    with calling(what):
        priced = price(
            plan.model.ops(stage.name, plan.workload),
            mode,
            plan.eager,
            plan.conventions,
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
        try:
            vendor_stage = vendor.stage(stage.name, plan.workload)
            counted = count_stage(counter, vendor_stage, progress.step)
            counts[stage.name] = attribute(counted, vendor.component)
        except CountError as error:
            counts[stage.name] = Failed(str(error))
        except FlopbenchError:
            raise
        except Exception as error:  # noqa: BLE001 - a failed count is a result, whatever failed
            reason = f"the vendor model could not be counted: {describe(error)}"
            counts[stage.name] = Failed(reason)
    return counts


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
    for counter in plan.counters:
        counted = _count(stage, counts[counter.name])
        series = Series(
            stage=stage.name,
            kind="vendor",
            attention="eager",
            counter=counter.name,
            label=f"vendor (eager, {counter.name})",
            flops=None,
            unit=counter.convention.unit,
        )
        if isinstance(counted, Failed):
            yield attrs.evolve(series, error=counted.reason)
        else:
            yield attrs.evolve(series, flops=counted.flops, breakdown=counted.entries)


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
        breakdown=tuple(
            Entry(line.component, line.kind, int(line.cost.flops)) for line in priced.lines
        ),
    )


def _comparisons(plan: Plan, stage: Stage, prices: Prices, counts: Counts) -> Iterator[Comparison]:
    for counter in plan.counters:
        counted = _count(stage, counts[counter.name])
        for mode in plan.modes:
            priced = _price(stage, prices[mode.name])
            yield compare(stage.name, mode, priced, counter.name, counter.convention, counted)


def _provenance(plan: Plan, catalog: Catalog, prices: Prices, counts: Counts) -> Provenance:
    with calling(f"vendor model {plan.model.name!r}: provenance"):
        vendor = dict(plan.vendor.provenance()) if plan.vendor else {}
    versions = {"flopbench": __version__, "python": platform.python_version()}
    versions |= {s.origin: s.version for s in catalog.sources if s.version}
    counters = {
        counter.name: {
            "unit": counter.convention.unit,
            "sees": sorted(counter.convention.sees),
            **counter.provenance(),
        }
        for counter in plan.counters
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


def _assumptions(plan: Plan, counts: Counts) -> tuple[str, ...]:
    with calling(f"model {plan.model.name!r}: assumptions"):
        notes = dict.fromkeys(plan.model.assumptions())
    for by_stage in counts.values():
        for counted in by_stage.values():
            if isinstance(counted, Attributed):
                notes |= dict.fromkeys(counted.assumptions)
    return tuple(notes)


def _fallbacks(prices: Prices) -> tuple[Fallback, ...]:
    every = (f for by_stage in prices.values() for p in by_stage.values() for f in p.fallbacks)
    return tuple(dict.fromkeys(every))
