"""What a reader must know of a run's numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flopbench.plan import Plan
from flopbench.tally import sums
from flopbench.vendor.attribution import Attributed, Failed


def notes(plan: Plan, counts: Mapping[str, Mapping[str, Attributed | Failed]]) -> tuple[str, ...]:
    """Return the notes of the model and of its vendor, each once."""
    return tuple(dict.fromkeys((*plan.model.notes(), *_of_vendor(plan, counts))))


def _of_vendor(
    plan: Plan, counts: Mapping[str, Mapping[str, Attributed | Failed]]
) -> Iterator[str]:
    for counter, vendor in plan.vendor_strategies:
        if not counter.convention.comparable:
            continue
        for stage, counted in counts[counter.name].items():
            if isinstance(counted, Attributed):
                flops = sums((entry.component, entry.flops) for entry in counted.entries)
                yield from vendor.notes(stage, plan.workload, flops)
