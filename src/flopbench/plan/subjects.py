"""What a law of a planned run is about."""

from __future__ import annotations

from typing import Any

from flopbench.analytic import Size
from flopbench.laws.law import Subject
from flopbench.plan.plan import Plan
from flopbench.vendor import VendorCounter
from flopbench.vendor.checked import CheckedVendor


def subject_of(
    plan: Plan,
    stage: str,
    *,
    witness: tuple[VendorCounter, CheckedVendor] | None = None,
    workload: Any = None,
    open_sizes: tuple[Size, ...] | None = None,
    every_layer: bool = False,
) -> Subject:
    """Return a stage of a run as the subject of a law.

    Args:
        witness: who counts which vendor model; by default the run's first counter.
        workload: by default the run's own.
        open_sizes: by default all that the model has.
    """
    counter, vendor = witness or plan.vendor_strategies[0]
    return Subject(
        vendor=vendor,
        counter=counter,
        model=plan.model,
        stage=stage,
        workload=plan.workload if workload is None else workload,
        open_sizes=plan.model.sizes if open_sizes is None else open_sizes,
        every_layer=every_layer,
    )
