"""The closed form of each component's matrix work, in the sizes of the workload."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy

from flopbench.analytic import Stage
from flopbench.errors import FlopbenchError
from flopbench.plan import Plan
from flopbench.report import ComponentLaw
from flopbench.tally import sums


def component_laws(plan: Plan) -> tuple[ComponentLaw, ...]:
    """Return the laws; none of a stage that takes no symbols in some attention mode."""
    found = []
    for stage in plan.stages:
        try:
            found += _of_stage(plan, stage)
        except FlopbenchError:  # such as a mode that needs numbers
            continue
    return tuple(found)


def _of_stage(plan: Plan, stage: Stage) -> list[ComponentLaw]:
    return [
        ComponentLaw(stage.name, mode.name, component, str(sympy.expand(form)))
        for mode in plan.modes
        for component, form in sums(
            (line.component, line.cost.tensor_flops)
            for name in stage.base_names
            for line in _lines(plan, name, mode)
        ).items()
        if form != 0
    ]


def _lines(plan: Plan, stage: str, mode: Any) -> Iterator[Any]:
    model, workload = plan.model, plan.workload
    known = {size.name: size.symbol for size in model.sizes}
    symbols = {name: known[name] for name in model.stage_sizes(stage, workload)}
    if symbols:
        workload = model.stage_workload(stage, workload, symbols)
        yield from plan.pricer.price(model.ops(stage, workload), mode).lines
