"""Where the numbers of a run come from."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Any

from flopbench.analytic import AnalyticModel
from flopbench.analytic.price import Fallback, StagePrice
from flopbench.digests import json_digest, to_json
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog
from flopbench.report import Provenance
from flopbench.vendor import VERIFIED, VendorCounter, VendorModel
from flopbench.vendor.attribution import Attributed, Failed
from flopbench.vendor.method import Method
from flopbench.version import __version__


def provenance(
    plan: Plan,
    catalog: Catalog,
    prices: Mapping[str, Mapping[str, StagePrice]],
    counts: Mapping[str, Mapping[str, Attributed | Failed]],
) -> Provenance:
    """Return versions, settings, assumptions and fallbacks of a run."""
    vendor = plan.vendor.provenance() if plan.vendor else {}
    versions = {"flopbench": __version__, "python": platform.python_version(), **catalog.versions}
    counters = {
        counter.name: {
            "unit": counter.convention.unit,
            "sees": sorted(counter.convention.sees),
            "per_element": dict(counter.convention.per_element),
            "method": _method(counts[counter.name].values()),
            **counter.provenance(),
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
        architecture=_architecture(plan.model),
        assumptions=_assumptions(plan, counts),
        fallbacks=_fallbacks(prices),
    )


def _architecture(model: AnalyticModel) -> Mapping[str, Any] | None:
    """Return what a model was built from, with its digest; None if JSON cannot hold it."""
    try:
        fields = to_json(model.architecture)
    except TypeError:
        return None
    return {"fields": fields, "digest": json_digest(fields)}


def _method(counts: Iterable[Attributed | Failed]) -> Method:
    """Return how the stages were counted; one that failed was tried call by call."""
    return Method.of_all(
        counted.method if isinstance(counted, Attributed) else Method.CONCRETE for counted in counts
    )


def _variant(counter: VendorCounter, vendor: VendorModel) -> Mapping[str, Any]:
    """Return which variant of the vendor model a counter ran, if not the verified one."""
    if counter.variant == VERIFIED:
        return {}
    return {"variant": counter.variant, "vendor": vendor.provenance()}


def _assumptions(
    plan: Plan, counts: Mapping[str, Mapping[str, Attributed | Failed]]
) -> tuple[str, ...]:
    notes = dict.fromkeys(plan.model.assumptions())
    for by_stage in counts.values():
        for counted in by_stage.values():
            if isinstance(counted, Attributed):
                notes |= dict.fromkeys(counted.assumptions)
    return tuple(notes)


def _fallbacks(prices: Mapping[str, Mapping[str, StagePrice]]) -> tuple[Fallback, ...]:
    every = (f for by_stage in prices.values() for p in by_stage.values() for f in p.fallbacks)
    return tuple(dict.fromkeys(every))
