"""Prove that vendor and analytic FLOPs are equal: subtract two closed forms and look for 0."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sympy

from flopbench.analytic import Size, Stage
from flopbench.analytic.checked import with_symbols
from flopbench.analytic.price import pricing
from flopbench.commands.prove.equations import Forms, composed, equations
from flopbench.commands.prove.pieces import (
    Elsewhere,
    Pieces,
    laws_elsewhere,
    open_sizes,
    witness,
)
from flopbench.commands.prove.proof import Equation, Proof
from flopbench.dims.forms import evaluate
from flopbench.executors.frames import roomy
from flopbench.laws.law import Law
from flopbench.plan import Plan
from flopbench.plan.plan import refuse_hardware, require_closed_forms
from flopbench.progress import Progress
from flopbench.registry.catalog import Catalog
from flopbench.vendor import VendorCounter
from flopbench.vendor.attribution import Failed
from flopbench.version import __version__


@roomy
def prove(
    plan: Plan,
    catalog: Catalog,
    symbols: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    every_layer: bool = False,
    elsewhere: Elsewhere | None = None,
) -> Proof:
    """Prove the plan's stages for every value of the open sizes.

    Args:
        symbols: names of the sizes to leave open; None for all that the model has.
        every_layer: trace each layer. By default layers that are equal but for their index are
            traced once; a plain count of every layer must agree, module by module.
        elsewhere: where the laws are found, if not in this process.

    Raises:
        UsageError: there is nothing to prove, or nothing to prove it with.
        PluginError: the analytic model raises.
    """
    progress = progress or Progress()
    refuse_hardware(plan)
    require_closed_forms(plan.model)
    vendor, counter = witness(plan)
    sizes = open_sizes(plan, symbols)
    pieces = Pieces(
        symbols=None if symbols is None else tuple(symbols),
        every_layer=every_layer,
    )
    analytic = {s.name: analytic_forms(plan, s, sizes, counter) for s in plan.base_stages}
    laws = _laws(plan, pieces, elsewhere, counter, progress)
    found = {
        s.name: equations(
            s.name,
            analytic[s.name],
            laws[s.name],
            partial(_forms_where, plan, s, sizes, counter),
        )
        for s in plan.base_stages
    }
    own = counter.own_formulas_of(
        op for law in laws.values() if isinstance(law, Law) for _, op in law.forms
    )
    versions = {"flopbench": __version__, "python": platform.python_version()}
    versions |= {"sympy": sympy.__version__, **counter.provenance(), **catalog.versions}
    return Proof(
        model=plan.model.name,
        counter=counter.name,
        sizes=sizes,
        stages=plan.stages,
        workload={**plan.config["workload"], **plan.model.workload_facts(plan.workload)},
        settings={
            name: plan.config[name] for name in ("model", "train", "vendor") if name in plan.config
        },
        equations=tuple(e for stage in plan.stages for e in _equations(stage, found)),
        versions=versions,
        vendor=vendor.provenance(),
        assumptions=(*plan.model.notes(), *plan.model.assumptions(), *map(str, own)),
        own_formulas=own,
        laws={name: law for name, law in laws.items() if isinstance(law, Law)},
    )


def _laws(
    plan: Plan,
    pieces: Pieces,
    elsewhere: Elsewhere | None,
    counter: VendorCounter,
    progress: Progress,
) -> dict[str, Law | Failed]:
    """Return the vendor's law of each stage, in the order of stages."""
    found = {}
    if elsewhere:
        for stage, law in laws_elsewhere(plan, pieces, elsewhere):
            progress.stage(f"{stage.title.lower()} ({counter.name})")
            found[stage.name] = law
        return {stage.name: found[stage.name] for stage in plan.base_stages}
    for stage in plan.base_stages:
        progress.stage(f"{stage.title.lower()} ({counter.name})")
        found[stage.name] = pieces.law(plan, stage.name, progress.step)
    return found


def _equations(stage: Stage, found: Mapping[str, list[Equation]]) -> list[Equation]:
    if stage.parts:
        return [composed(stage.name, [found[part][0] for part in stage.parts])]
    return found[stage.name]


def analytic_forms(
    plan: Plan, stage: Stage, sizes: tuple[Size, ...], counter: VendorCounter
) -> Forms:
    """Price a stage with eager attention and symbolic sizes: what the counter should see, by op.

    Raises:
        PluginError: the model raises, or its dimensions take no symbols.
    """
    model = plan.model
    values = model.stage_sizes(stage.name, plan.workload)
    with with_symbols(f"{pricing(model, stage.name)} with symbols"):
        forms = _forms_where(plan, stage, sizes, counter, {})
        # The symbolic workload must be this one with its sizes left open, not another one.
        for key, flops in _seen(plan, stage, plan.workload, counter).items():
            by_form = evaluate(forms.get(key, 0), values)
            if by_form != flops:
                raise ValueError(
                    f"{key[1]} in {key[0]} is {by_form} FLOPs by its closed form at the workload's "
                    f"own sizes, but {flops} when the workload is priced: see stage_workload"
                )
        return forms


def _forms_where(
    plan: Plan,
    stage: Stage,
    sizes: tuple[Size, ...],
    counter: VendorCounter,
    numbers: Mapping[str, int],
) -> Forms:
    """Price a stage where some of the open sizes are numbers: its ops may be others there."""
    model = plan.model
    values = model.stage_sizes(stage.name, plan.workload)
    with with_symbols(f"{pricing(model, stage.name)} with symbols"):
        opened = values | {s.name: s.symbol for s in sizes if s.name in values} | dict(numbers)
        workload = model.stage_workload(stage.name, plan.workload, opened)
        return {k: sympy.expand(f) for k, f in _seen(plan, stage, workload, counter).items()}


def _seen(plan: Plan, stage: Stage, workload: Any, counter: VendorCounter) -> Forms:
    """Price a stage with eager attention: the FLOPs that the counter sees, by component and op."""
    priced = plan.pricer.price(plan.model.ops(stage.name, workload), plan.eager)
    return {
        (line.component, line.kind): line.cost.tensor_flops
        for line in priced.lines
        if line.kind in counter.convention.sees
    }
