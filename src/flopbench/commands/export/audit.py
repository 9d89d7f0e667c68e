"""What a certificate tells of a law: what was traced, counted and not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flopbench.analytic import Stage
from flopbench.commands.export.priced import Prices
from flopbench.exports.audited import counted, traced, uncounted
from flopbench.tally import sums

if TYPE_CHECKING:
    from flopbench.commands.prove.proof import Proof


def audit(prices: Prices, proof: Proof | None) -> dict[str, Any]:
    """Return the audit of a plan's stages that are no sums."""
    plan = prices.plan
    return {
        "counter": {
            counter.name: {
                "unit": counter.convention.unit,
                "sees": sorted(counter.convention.sees),
                **counter.provenance(),
            }
            for counter in plan.counters
        },
        "conventions": dict(plan.config.get("conventions", {})),
        "own_formulas": [str(each) for each in (proof.own_formulas if proof else ())],
        "stages": {stage.name: _stage(prices, stage, proof) for stage in plan.base_stages},
    }


def _stage(prices: Prices, stage: Stage, proof: Proof | None) -> dict[str, Any]:
    sizes = prices.sizes(stage)
    law = proof.laws.get(stage.name) if proof else None
    return {
        "title": stage.title,
        "workload_sizes": sizes,
        "traced": None if law is None else traced(law),
        "counted": [] if law is None else list(counted(law, sizes)),
        "uncounted": [] if law is None else uncounted(law),
        "unseen": list(_unseen(prices, stage)),
    }


def _unseen(prices: Prices, stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield the kinds of work that the counter does not see, as the closed forms price them."""
    plan = prices.plan
    priced = plan.pricer.stage(plan.model, stage.name, plan.workload, plan.eager)
    for kind, flops in sums((line.kind, line.cost.vector_flops) for line in priced.lines).items():
        if flops:
            yield {"kind": kind, "vector_flops_at_workload": int(flops)}
