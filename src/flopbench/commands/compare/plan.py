"""From the arguments of ``flopbench compare`` to the plan of each model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from flopbench.analytic import AnalyticModel
from flopbench.errors import UsageError, unknown
from flopbench.plan import Plan, make_plan
from flopbench.plan.by_path import named
from flopbench.registry.catalog import Catalog

_NEXT_SETTING = re.compile(r",(?=[\w.]+=)")


@frozen
class Entry:
    """A model to compare, with its own settings."""

    model: str
    settings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name in tables and plots."""
        return " ".join((self.model, *(s.partition(".")[2] or s for s in self.settings)))


def parse(arguments: Sequence[str]) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Split arguments into models, ``MODEL`` or ``MODEL:KEY=VALUE,KEY=VALUE``, and shared settings.

    Raises:
        UsageError: fewer than two models, two that are the same, or a setting of ``run``.
    """
    entries: list[Entry] = []
    shared: list[str] = []
    for argument in arguments:
        head, colon, own = argument.partition(":")
        if "=" in head:
            shared.append(argument)
            continue
        settings = tuple(_NEXT_SETTING.split(own)) if colon else ()
        if not head or (colon and not own):
            raise UsageError(f"{argument!r} must be MODEL or MODEL:KEY=VALUE")
        entry = Entry(head, settings)
        if entry in entries:
            raise UsageError(
                f"{argument!r} is given twice: give the same model other settings, as "
                f"{head}:KEY=VALUE"
            )
        entries.append(entry)
    for setting in (*shared, *(s for entry in entries for s in entry.settings)):
        if setting.startswith("run.") and not setting.startswith("run.method="):
            raise UsageError(
                f"{setting!r}: all models are run alike: use --attention, --stages, --counters or "
                "--analytic-only"
            )
    if len(entries) < 2:  # noqa: PLR2004 - one cannot be compared
        raise UsageError("give at least two models to compare, or one twice with other settings")
    return tuple(entries), tuple(shared)


def plan_entry(
    catalog: Catalog, entry: Entry, shared: Iterable[str], options: Mapping[str, Any]
) -> Plan:
    """Resolve one model's names and values; a model without a vendor model is not checked.

    Raises:
        UsageError: the model lacks a stage or a setting; the message names the model.
        PluginError: its plugin raises.
    """
    model = named(catalog, entry.model)[0]
    model_class = catalog.models.get(model)
    options = dict(options)
    if catalog.vendor_models.find(model) is None:
        options["run.analytic_only"] = True
    if options.get("run.stages"):
        options["run.stages"] = _stages_of(model_class, options["run.stages"])
    try:
        overrides = (*shared, *entry.settings)
        return make_plan(catalog, entry.model, overrides=overrides, options=options)
    except UsageError as error:
        raise UsageError(f"{entry.label}: {error}") from error


def _stages_of(model: type[AnalyticModel], wanted: Sequence[str]) -> list[str]:
    """Return those of the wanted stages that a model has."""
    known = [stage.name for stage in model.stages]
    if not set(known) & set(wanted):
        raise UsageError(unknown(f"stage of {model.name}", wanted[0], known))
    return [name for name in wanted if name in known]


def check_stages(catalog: Catalog, entries: Iterable[Entry], wanted: Iterable[str] | None) -> None:
    """Refuse a stage that none of the models has.

    Raises:
        UsageError: there is such a stage.
    """
    names = (named(catalog, entry.model)[0] for entry in entries)
    known = {stage.name for name in names for stage in catalog.models.get(name).stages}
    for name in wanted or ():
        if name not in known:
            raise UsageError(unknown("stage of these models", name, known))
