"""One row: what a survey says of a config, as plain data, on whichever machine it is made."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import attrs

from flopbench.analytic import Stage
from flopbench.commands.survey import facts
from flopbench.commands.survey.catalogs import catalog_of, require_same
from flopbench.commands.survey.checks import Checked, checked, unforeseen
from flopbench.commands.survey.found import CONFIG, ConfigFile
from flopbench.commands.survey.placed import Placed, placed
from flopbench.commands.survey.request import SurveyRequest, takes
from flopbench.errors import FlopbenchError, PluginError, UsageError
from flopbench.executors.frames import roomy
from flopbench.hardware import HardwareOptions
from flopbench.plan import Plan, make_plan
from flopbench.plan.by_path import named
from flopbench.registry.catalog import Catalog
from flopbench.text import listed
from flopbench.vendor import VendorCounter

Row = dict[str, Any]

_SHOWN_TYPE = 100
"""Characters of a type that a row shows."""


@roomy
def survey_row(request: SurveyRequest, config: ConfigFile) -> Row:
    """Return the row of a config; whatever fails is a row, too.

    Nothing in it but ``seconds`` depends on where or when it is made.

    Raises:
        FlopbenchError: this process has other plugins, or other code, than that which asks.
    """
    start = time.perf_counter()
    catalog = catalog_of(request)
    require_same(request, catalog)
    row = blank(config.name)
    if config.problem is not None:
        _conclude(row, Checked("refused", config.problem))
    else:
        row["model_type"] = _type_of(config)
        with placed(request, config) as here:
            try:
                _fill(row, request, catalog, here)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a row of its own
                _conclude(row, unforeseen(error))
            row = {**here.told(row), "file": config.name}
    return {**row, "seconds": round(time.perf_counter() - start, 3)}


def blank(name: str) -> Row:
    """Return the row of a config of which nothing is known."""
    return {
        "file": name,
        "model_type": None,
        "model": None,
        "verdict": "failed",
        "reason": None,
        "parameters": None,
        "active_parameters": None,
        "weight_bytes": None,
        "kv_cache_bytes": None,
        "kv_bytes_per_token": None,
        "workload": dict.fromkeys(facts.WORKLOAD),
        "stages": [],
        "deployment": None,
        "notes": [],
        "seconds": None,
    }


def lost(name: str, error: FlopbenchError) -> Row:
    """Return the row of a config whose process ended."""
    return {**blank(name), "reason": str(error)}


def _type_of(config: ConfigFile) -> str | None:
    """Return the type that a config says, if it is one."""
    try:
        found = json.loads(config.contents[CONFIG])
    except (ValueError, RecursionError):
        return None
    kind = found.get("model_type") if isinstance(found, dict) else None
    return kind[:_SHOWN_TYPE] if isinstance(kind, str) else None


def _conclude(row: Row, found: Checked) -> None:
    row |= {"verdict": found.verdict, "reason": found.reason}


def _fill(row: Row, request: SurveyRequest, catalog: Catalog, here: Placed) -> None:
    """Fill in a row, as far as nothing fails."""
    row["model"] = named(catalog, here.config)[0]
    plan = _plan(row, request, catalog, here)
    sizes = row["workload"] = facts.workload_of(plan)
    row["notes"] += [*plan.notes, *plan.model.notes_of(plan.workload)]
    prices = facts.priced(plan)
    row |= facts.held(plan, prices, sizes)
    bounds = _deployed(row, request, plan, catalog)
    plan = attrs.evolve(plan, hardware=HardwareOptions())  # a GPU bounds times alone
    counter = facts.counter_of(plan, catalog)
    laws = {stage.name: _law(row, request, plan, stage, counter) for stage in plan.base_stages}
    flops = {name: facts.seen_flops(found, counter) for name, found in prices.items()}
    row["stages"] = _stages(plan, sizes, laws, flops, bounds)
    found = checked(plan, catalog, request)
    row["stages"] = _stages(plan, sizes, found.laws or laws, flops or found.flops, bounds)
    _conclude(row, found)


def _plan(row: Row, request: SurveyRequest, catalog: Catalog, here: Placed) -> Plan:
    """Resolve a config with those of the settings that its model has a key for."""
    model, vendor = catalog.models.get(row["model"]), catalog.vendor_models.find(row["model"])
    keys = {text: text.partition("=")[0].strip() for text in request.overrides}
    given = dict.fromkeys((*keys.values(), *here.options))
    left = [key for key in given if not takes(model, vendor, key)]
    if left:
        row["notes"].append(f"{row['model']} has no {listed(left, 'and')}: it is left out")
    options = {key: value for key, value in here.options.items() if key not in left}
    if request.check is None or vendor is None:
        options["run.analytic_only"] = True
    overrides = [text for text, key in keys.items() if key not in left]
    return make_plan(catalog, here.config, overrides=overrides, options=options)


def _deployed(
    row: Row, request: SurveyRequest, plan: Plan, catalog: Catalog
) -> Mapping[str, float]:
    """Note what a GPU makes of it, and return the bounds of its stages; what fails is a note."""
    if request.gpu is None or not plan.modes:
        return {}
    try:
        report = request.works.run(attrs.evolve(plan, vendor=None, counters=()), catalog)
    except UsageError as error:
        row["notes"].append(str(error))
        return {}
    row["deployment"], bounds = facts.deployed(plan, report)
    return bounds


def _law(
    row: Row, request: SurveyRequest, plan: Plan, stage: Stage, counter: VendorCounter
) -> str | None:
    """Return the closed form of a stage; None if the model has none, or takes no symbols."""
    if not plan.modes:
        return None
    present = plan.model.stage_sizes(stage.name, plan.workload)
    sizes = tuple(size for size in plan.model.sizes if size.name in present)
    try:
        return str(sum(request.works.forms(plan, stage, sizes, counter).values()))
    except PluginError as error:
        row["notes"].append(f"no law of {stage.name}: {error}")
        return None


def _stages(
    plan: Plan,
    sizes: facts.Sizes,
    laws: Mapping[str, str | None],
    flops: Mapping[str, int | None],
    bounds: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Return what a row says of each stage that is no sum."""
    return [
        {
            "stage": stage.name,
            "law": laws.get(stage.name),
            "flops": flops.get(stage.name),
            "flops_per_token": facts.per_token(
                flops.get(stage.name), facts.tokens_of(plan, stage, sizes)
            ),
            "bound_ms": bounds.get(stage.name),
        }
        for stage in plan.base_stages
    ]
