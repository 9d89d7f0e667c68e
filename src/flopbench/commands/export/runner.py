"""From a plan and its proof to exported laws."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from flopbench.analytic import Size, Stage
from flopbench.commands.export.audit import audit
from flopbench.commands.export.priced import Key, Prices
from flopbench.commands.export.stage import StageForms
from flopbench.digests import json_digest, to_json
from flopbench.dims.forms import symbol
from flopbench.errors import UsageError, unknown
from flopbench.exports.assumed import assumptions
from flopbench.exports.identifiers import identifier, unique, unique_by
from flopbench.exports.laws import (
    QUANTITIES,
    Assumption,
    ExportedLaw,
    ExportedLaws,
    LawVerdict,
    StageLaws,
    Symbol,
)
from flopbench.exports.text import text_of
from flopbench.exports.tree import InexpressibleError
from flopbench.plan import Plan
from flopbench.plan.plan import refuse_hardware, require_closed_forms
from flopbench.registry.catalog import Catalog
from flopbench.version import __version__

if TYPE_CHECKING:
    from flopbench.commands.prove.proof import Equation, Proof

Prove = Callable[[Plan], "Proof"]
"""Proves a plan, as `flopbench prove` does."""


@frozen(eq=False)
class Held:
    """What is known of a stage: the verdict, why it is no better, and what holds."""

    verdict: LawVerdict
    reason: str | None = None
    assumptions: tuple[Assumption, ...] = ()


def export(
    plan: Plan, catalog: Catalog, prove: Prove, symbols: Iterable[str] | None = None
) -> ExportedLaws:
    """Return the laws of a plan's stages.

    Args:
        prove: proves the plan with the same symbols. A plan without a vendor is not proved.
        symbols: names of the sizes to leave open; None for all that the model has.

    Raises:
        UsageError: the model has no closed forms, no size of that name, or no stage has a law.
        PluginError: the model raises.
    """
    refuse_hardware(plan)
    require_closed_forms(plan.model)
    proof = None if plan.vendor is None else prove(plan)
    prices = Prices.of(plan)
    opened = _opened(plan, prices, symbols)
    identifiers = unique(stage.name for stage in plan.stages)
    taken: set[str] = set()
    found = []
    for stage in plan.stages:
        made = _stage(prices, stage, identifiers[stage.name], opened, proof, taken)
        found.append(made)
    laws = [stage for stage in found if isinstance(stage, StageLaws)]
    failed = [stage for stage in found if isinstance(stage, str)]
    if not laws:
        raise UsageError(f"nothing to export of {plan.model.name}: {'; '.join(failed)}")
    used = {name for stage in laws for name in stage.symbols}
    closed = {n: v for s in plan.stages for n, v in prices.sizes(s).items() if n not in opened}
    return ExportedLaws(
        name=plan.model.name,
        identifier=identifier(plan.model.name),
        kind="model",
        symbols=tuple(each for name, each in opened.items() if name in used),
        attention=tuple(mode.name for mode in prices.modes),
        stages=tuple(laws),
        closed={**_facts(plan, opened), **closed},
        provenance=_provenance(plan, catalog, proof),
        audit=audit(prices, proof),
        notes=(*plan.notes, *plan.model.notes_of(plan.workload), *plan.model.assumptions()),
        left_out=tuple(failed),
    )


def _opened(plan: Plan, prices: Prices, names: Iterable[str] | None) -> dict[str, Symbol]:
    """Return the symbols of the open sizes of the plan's stages, by name."""
    values: dict[str, int] = {}
    for stage in plan.stages:
        values |= prices.sizes(stage)
    wanted = list(values) if names is None else list(names)
    for name in wanted:
        if name not in values:
            raise UsageError(unknown(f"symbol of {plan.model.name} in these stages", name, values))
    sizes = [size for size in plan.model.sizes if size.name in wanted]
    identifiers = unique(size.name for size in sizes)
    return {s.name: _symbol(s, identifiers[s.name], values[s.name]) for s in sizes}


def _symbol(size: Size, name: str, example: int) -> Symbol:
    return Symbol(size.name, name, size.meaning, size.minimum, example, size.steps)


def _facts(plan: Plan, opened: Mapping[str, Symbol]) -> dict[str, Any]:
    facts = {**plan.config["workload"], **plan.model.workload_facts(plan.workload)}
    return {name: value for name, value in facts.items() if name not in opened}


def _stage(
    prices: Prices,
    stage: Stage,
    name: str,
    opened: Mapping[str, Symbol],
    proof: Proof | None,
    taken: set[str],
) -> StageLaws | str:
    """Return the laws of a stage, or why it has none.

    Args:
        taken: names of functions that other stages have; grows.
    """
    sizes = prices.sizes(stage)
    symbols = tuple(each for name, each in opened.items() if name in sizes)
    try:
        held = _held(stage, prices, symbols, proof)
    except InexpressibleError as error:
        return f"{stage.name} is left out: {error}"
    if isinstance(held, str):
        return f"{stage.name} is left out: {held}"
    forms = StageForms(
        prices=prices,
        stage=stage,
        symbols=symbols,
        open={s.name: symbol(s.name, s.minimum) for s in symbols},
        conditions=held.assumptions,
    )
    forms.find()
    functions = _functions(stage, prices, forms, taken)
    return StageLaws(
        name=stage.name,
        title=stage.title,
        identifier=name,
        symbols=tuple(s.name for s in symbols),
        verdict=held.verdict,
        reason=held.reason,
        parts=stage.parts,
        assumptions=held.assumptions,
        laws=tuple(
            ExportedLaw(*key, function, forms.trees[key], text_of(forms.trees[key]))
            for key, function in functions.items()
        ),
        left_out=forms.missing(),
        golden=forms.golden(functions),
        refused=forms.refused(),
    )


def _functions(stage: Stage, prices: Prices, forms: StageForms, taken: set[str]) -> dict[Key, str]:
    """Return the name of the function of each law, in the order of `QUANTITIES`."""
    eager = prices.modes[0].name
    order = list(QUANTITIES)
    keys = sorted(forms.trees, key=lambda key: (key[2] is not None, order.index(key[0])))
    names = {
        key: " ".join(
            part
            for part in (key[0], stage.name, "" if key[1] == eager else key[1], key[2] or "")
            if part
        )
        for key in keys
    }
    made = unique_by(names, taken)
    taken |= set(made.values())
    return made


def _held(
    stage: Stage, prices: Prices, symbols: tuple[Symbol, ...], proof: Proof | None
) -> Held | str:
    """Return what a proof says of a stage, or why its law is not exported."""
    if proof is None:
        return Held("analytic only", "it was not proved against a vendor model")
    whole = _whole(proof, stage.name)
    if whole.verdict in {"differs", "incomplete"}:
        return f"it is not proved ({whole.verdict}): {whole.reason}"
    steps = next((s.name for s in symbols if s.steps), None)
    found: dict[str, Assumption] = {}
    for name in stage.base_names:
        if name in proof.laws:
            found |= {each.text: each for each in assumptions(proof.laws[name], steps)}
    verdict: LawVerdict = "proved" if whole.verdict == "proved" else "interpolated"
    return Held(verdict, whole.reason, tuple(found.values()))


def _whole(proof: Proof, stage: str) -> Equation:
    return next(e for e in proof.equations if e.stage == stage and e.component is None)


def _provenance(plan: Plan, catalog: Catalog, proof: Proof | None) -> dict[str, Any]:
    versions = {"flopbench": __version__, "python": platform.python_version(), **catalog.versions}
    config = {name: value for name, value in plan.config.items() if name != "hardware"}
    try:
        digest = json_digest(to_json(plan.model.architecture))
    except TypeError:
        digest = None
    return {
        "versions": dict(versions if proof is None else proof.versions),
        "vendor": {} if proof is None else dict(proof.vendor),
        "counter": None if proof is None else proof.counter,
        "config": to_json(config),
        "config_digest": digest,
        "proof_digest": None if proof is None else json_digest(proof.to_dict()),
    }
