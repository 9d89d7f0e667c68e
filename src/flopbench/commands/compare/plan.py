"""From the arguments of ``flopbench compare`` to the plan of each model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from flopbench.analytic import AnalyticModel
from flopbench.errors import FlopbenchError, PluginError, UsageError, unknown
from flopbench.plan import Plan, make_plan
from flopbench.plan.by_path import named
from flopbench.plan.plan import refuse_hardware
from flopbench.registry.catalog import Catalog
from flopbench.training_step import TRAINING

IMAGE = "workload.image"

_NEXT_SETTING = re.compile(r",(?=[\w.]+=)")


@frozen
class Entry:
    """A model to compare, with its own settings.

    Attributes:
        page: the image that it reads, if several pages are compared.
        matched: whether a wildcard stands for it: what is wrong with it alone is then its result.
    """

    model: str
    settings: tuple[str, ...] = ()
    page: str | None = None
    matched: bool = attrs.field(default=False, eq=False)

    @property
    def label(self) -> str:
        """Its name in tables and plots."""
        return " ".join((self.model, *(s.partition(".")[2] or s for s in self.settings)))

    @property
    def argument(self) -> str:
        """What the command line takes for it."""
        return f"{self.model}:{','.join(self.settings)}" if self.settings else self.model


def parse(arguments: Iterable[str]) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Split arguments into models, ``MODEL`` or ``MODEL:KEY=VALUE,KEY=VALUE``, and shared settings.

    Raises:
        UsageError: as of `entry_of` and `check_entries`.
    """
    entries: list[Entry] = []
    shared: list[str] = []
    for argument in arguments:
        if "=" in argument.partition(":")[0]:
            shared.append(argument)
        else:
            entries.append(entry_of(argument))
    return check_entries(entries, shared)


def entry_of(text: str) -> Entry:
    """Return what ``MODEL`` or ``MODEL:KEY=VALUE,KEY=VALUE`` stands for.

    Raises:
        UsageError: there is no model, or a colon and no settings.
    """
    model, colon, own = text.partition(":")
    if not model or (colon and not own):
        raise UsageError(f"{text!r} must be MODEL or MODEL:KEY=VALUE")
    return Entry(model, tuple(_NEXT_SETTING.split(own)) if colon else ())


def check_entries(
    entries: Sequence[Entry], shared: Sequence[str]
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the models and the settings for all, after checking them.

    Raises:
        UsageError: no model, two that are the same, or a setting of ``run``.
    """
    for index, entry in enumerate(entries):
        if entry in entries[:index]:
            raise UsageError(
                f"{entry.argument!r} is given twice: give the same model other settings, as "
                f"{entry.model}:KEY=VALUE"
            )
    for setting in (*shared, *(s for entry in entries for s in entry.settings)):
        if setting.startswith("run.") and not setting.startswith("run.method="):
            raise UsageError(
                f"{setting!r}: all models are run alike: use --attention, --stages, --counters or "
                "--analytic-only"
            )
    if not entries:
        raise UsageError("give a model, or several to compare: MODEL or MODEL:KEY=VALUE")
    return tuple(entries), tuple(shared)


def plan_entries(
    catalog: Catalog, entries: Iterable[Entry], shared: Iterable[str], options: Mapping[str, Any]
) -> dict[Entry, Plan | FlopbenchError]:
    """Resolve every model; where its plugin fails, the error takes the place of its plan.

    So does what is wrong with one of several pages, or with a model that a wildcard stands for.

    Raises:
        UsageError: none of the models has a stage, or one lacks all stages or a setting.
    """
    entries = tuple(entries)
    check_stages(catalog, entries, options.get("run.stages"))
    plans: dict[Entry, Plan | FlopbenchError] = {}
    for entry in entries:
        try:
            plans[entry] = plan_entry(catalog, entry, shared, options)
        except PluginError as error:
            plans[entry] = error
        except UsageError as error:
            if not (entry.matched or entry.page):
                raise
            plans[entry] = error
    return plans


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
    if IMAGE in options and not reads_images(catalog, entry):
        del options[IMAGE]
    elif entry.page is not None:
        options[IMAGE] = entry.page
    if catalog.vendor_models.find(model) is None:
        options["run.analytic_only"] = True
    if options.get("run.stages"):
        options["run.stages"] = _stages_of(model_class, options["run.stages"])
    try:
        overrides = (*shared, *entry.settings)
        plan = make_plan(catalog, entry.model, overrides=overrides, options=options)
        refuse_hardware(plan)
    except UsageError as error:
        raise UsageError(f"{entry.label}: {error}") from error
    return plan


def reads_images(catalog: Catalog, entry: Entry) -> bool:
    """Return whether a model reads an image."""
    inputs = catalog.models.get(named(catalog, entry.model)[0]).inputs_type
    return IMAGE.partition(".")[2] in attrs.fields_dict(inputs)


def image_readers(catalog: Catalog, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries whose models read an image.

    Raises:
        UsageError: none does.
    """
    reading = [entry for entry in entries if reads_images(catalog, entry)]
    if not reading:
        what = "none of these models takes an image" if len(entries) > 1 else "it takes no image"
        raise UsageError(f"{entries[0].label}: {what} (it has no {IMAGE}): leave out --image")
    return reading


def _stages_of(model: type[AnalyticModel], wanted: Sequence[str]) -> list[str]:
    """Return those of the wanted stages that a model has."""
    known = [*(stage.name for stage in model.stages), *TRAINING]
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
    known |= {*TRAINING}
    for name in wanted or ():
        if name not in known:
            raise UsageError(unknown("stage of these models", name, known))
