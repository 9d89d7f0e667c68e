"""The vendor's laws: measured on the real model, for all sizes or for those of one workload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from flopbench.compare import Attributed
from flopbench.errors import CountError
from flopbench.law import Law, Subject
from flopbench.law_search import TRACED_FROM, Search
from flopbench.model import AnalyticModel
from flopbench.report import Entry
from flopbench.vendor import VendorCounter, VendorModel


def vendor_law(subject: Subject, tick: Callable[[int], None] = lambda _call: None) -> Law:
    """Find the law of a stage.

    Args:
        tick: told the number of each call that was traced or counted.

    Raises:
        CountError: the call fails, or its counts lie on no polynomial.
    """
    return Search(subject, tick).law()


def count_by_law(
    vendor: VendorModel,
    counter: VendorCounter,
    model: AnalyticModel,
    stage: str,
    workload: Any,
    tick: Callable[[int], None] = lambda _call: None,
) -> Attributed:
    """Count a stage of one workload by its law: one trace, evaluated at the workload's sizes.

    Raises:
        CountError: there is no law to be traced, or it does not hold at these sizes.
    """
    values = {name: int(value) for name, value in model.stage_sizes(stage, workload).items()}
    open_sizes = tuple(
        size
        for size in model.sizes
        if size.name in values and (size.steps or values[size.name] >= TRACED_FROM)
    )
    law = vendor_law(
        Subject(
            vendor=vendor,
            counter=counter,
            model=model,
            stage=stage,
            workload=workload,
            open_sizes=open_sizes,
            everywhere=False,
        ),
        tick,
    )
    steps = next(
        (values[size.name] for size in model.sizes if size.steps and size.name in values), 1
    )
    if not law.holds_at(values, steps):
        raise CountError(f"the law of {stage} holds under {'; '.join(map(str, law.guards))}")
    flops = law.at(values)
    form = sympy.expand(sympy.Add(*law.forms.values()))
    note = f"{stage} was counted by its law, measured with symbolic sizes: {form}"
    return Attributed(
        tuple(Entry(component, op, int(n)) for (component, op), n in flops.items()),
        law.uncounted,
        (*law.assumptions, note),
    )
