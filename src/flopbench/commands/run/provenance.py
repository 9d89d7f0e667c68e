"""Where the numbers of a run come from."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Any

from flopbench.analytic.checked import assumptions
from flopbench.analytic.price import Fallback
from flopbench.boundary import told_by
from flopbench.commands.run.totals import Counts, Prices
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog
from flopbench.report import Provenance
from flopbench.vendor import VERIFIED, VendorCounter, VendorModel
from flopbench.vendor.attribution import Attributed, Failed
from flopbench.version import __version__


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
