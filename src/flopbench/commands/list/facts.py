"""What ``flopbench list`` says about strategies, and about models: stages, sweeps and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from flopbench.analytic import AnalyticModel
from flopbench.boundary import told
from flopbench.errors import PluginError
from flopbench.hardware import HardwareOptions
from flopbench.plan.config import RunOptions
from flopbench.registry.catalog import Catalog, Shelf
from flopbench.registry.loading import Source
from flopbench.storage.options import DtypeOptions
from flopbench.training_step import PARTS, TRAIN, TrainOptions
from flopbench.wildcards import ANY, pattern_for

Row = tuple[str, type[Any], Source]
"""A name, its strategy, and the plugin that it comes from."""

NAMED = {
    "models": ("Models", "models"),
    "attention": ("Attention modes", "attention_modes"),
    "vendors": ("Vendor models", "vendor_models"),
    "counters": ("Vendor counters", "counters"),
    "reporters": ("Reporters", "reporters"),
    "formulas": ("Formulas", "formulas"),
}
"""Kinds of strategies, each with its title and its shelf in the catalog."""


def shelf(catalog: Catalog, kind: str) -> Shelf[Any]:
    """Return the shelf of a kind in `NAMED`."""
    found: Shelf[Any] = getattr(catalog, NAMED[kind][1])
    return found


def rows_of(found: Shelf[Any]) -> tuple[list[Row], str | None]:
    """Return all names of a shelf, and why those known to a wildcard are not among them."""
    try:
        return list(found.listed()), None
    except PluginError as error:
        return list(found), str(error)


def names(catalog: Catalog) -> set[str]:
    """Return the names of all strategies, those known to a wildcard too."""
    return {row[0] for kind in NAMED for row in rows_of(shelf(catalog, kind))[0]}


def shown(rows: list[Row]) -> Iterator[str]:
    """Yield a line per strategy: its name, its summary, its plugin."""
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, strategy, source in rows:
        origin = source.origin if source.version is None else f"{source.origin} {source.version}"
        yield f"  {name:<{width}}  {getattr(strategy, 'summary', '')}  [{source.name}, {origin}]"


def covered_by(catalog: Catalog, name: str) -> str:
    """Return the name ending in ``*`` whose class a model is of, or its own name."""
    models = catalog.models
    pattern = pattern_for(name, {each for each, _, _ in models} - {name})
    alike = pattern and issubclass(models.get(name), models.get(pattern))
    return pattern if pattern and alike else name


def alike(catalog: Catalog) -> list[str]:
    """Return the names of models, without those that a name ending in ``*`` covers."""
    return [name for name, _, _ in catalog.models if covered_by(catalog, name) == name]


def family(name: str, known: str) -> bool:
    """Return whether a known name is covered by a name ending in ``*``."""
    return name.endswith(ANY) and known != name and known.startswith(name.removesuffix(ANY))


def stages(model: type[AnalyticModel]) -> Iterator[str]:
    """Yield each stage, a composed one with its parts."""
    for stage in model.stages:
        yield stage.name + (f" = {' + '.join(stage.parts)}" if stage.parts else "")


def stages_of_all() -> Iterator[str]:
    """Yield the stages that every model has if it is asked for them."""
    yield f"{TRAIN} = {' + '.join(PARTS)} (--stages {TRAIN})"


def sweeps(model: type[AnalyticModel]) -> Iterator[str]:
    """Yield each named sweep with its stages and its description."""
    for sweep in model.sweeps:
        yield f"{sweep.name} = {', '.join(sweep.stages)}: {sweep.description}"


def keys(catalog: Catalog, name: str) -> Iterator[str]:
    """Yield every key that a run of a model takes, with its default."""
    model, vendor = catalog.models.get(name), catalog.vendor_models.find(name)
    sections = {"workload": model.inputs_type, "model": model.options_type}
    if vendor:
        sections["vendor"] = vendor.options_type
    for section, cls in sections.items():
        for field in attrs.fields(cls):
            yield f"{section}.{field.name}{_default(field)}"


def keys_of_all() -> Iterator[str]:
    """Yield the keys that every model takes."""
    sections: dict[str, type] = {"run": RunOptions, "dtypes": DtypeOptions}
    sections |= {"hardware": HardwareOptions, "train": TrainOptions}
    for section, cls in sections.items():
        for field in attrs.fields(cls):
            yield f"{section}.{field.name}{_default(field)}"
    yield "conventions.NAME (docs/conventions.md)"


def _default(field: attrs.Attribute[Any]) -> str:
    if field.default is attrs.NOTHING:
        return ""
    made: Any = field.default
    if not isinstance(made, attrs.Factory):  # type: ignore[arg-type]
        return f"={made}"
    try:
        return f"={made.factory()}"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's code may raise anything
        return f" (its default failed: {told(error)})"
