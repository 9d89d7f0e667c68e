"""The text of ``flopbench list``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from flopbench.analytic import AnalyticModel
from flopbench.boundary import told
from flopbench.errors import PluginError
from flopbench.plan.config import RunOptions
from flopbench.registry.catalog import Catalog, Shelf
from flopbench.wildcards import pattern_for


def list_catalog(catalog: Catalog) -> str:
    """List every strategy with its plugin, every model's stages and sweeps, and what failed."""
    lines: list[str] = []
    shelves: tuple[tuple[str, Shelf[Any]], ...] = (
        ("Models", catalog.models),
        ("Attention modes", catalog.attention_modes),
        ("Vendor models", catalog.vendor_models),
        ("Vendor counters", catalog.counters),
        ("Reporters", catalog.reporters),
    )
    for title, shelf in shelves:
        lines += [f"{title}:", *_shelf(shelf), ""]
    lines += ["Stages:"]
    for name, model in _alike(catalog):
        for stage in model.stages:
            parts = f" = {' + '.join(stage.parts)}" if stage.parts else ""
            lines.append(f"  {name}: {stage.name}{parts}")
    lines += ["", "Sweeps:", *_sweeps(catalog)]
    lines += ["", "Keys:", *_keys(catalog)]
    lines += ["", "Failed plugins:" if catalog.failures else "Failed plugins: none"]
    lines += [f"  {failure}" for failure in catalog.failures]
    return "\n".join(lines)


def _sweeps(catalog: Catalog) -> Iterator[str]:
    for name, model in _alike(catalog):
        for sweep in model.sweeps:
            yield f"  {name}: {sweep.name} = {', '.join(sweep.stages)}: {sweep.description}"
    yield "  every model: flopbench sweep MODEL --vary KEY=VALUES"


def _alike(catalog: Catalog) -> list[tuple[str, type[AnalyticModel]]]:
    """Return the models, without those covered by a name of the same class that ends in ``*``."""
    shelf = catalog.models
    models = {name: model for name, model, _source in shelf}
    patterns = {name: pattern_for(name, set(models) - {name}) for name in models}
    return [
        (name, model)
        for name, model in models.items()
        if not (pattern := patterns[name]) or not issubclass(model, models[pattern])
    ]


def _keys(catalog: Catalog) -> Iterator[str]:
    """Yield every key that a run of a model takes, with its default."""
    for name, model in _alike(catalog):
        vendor = catalog.vendor_models.find(name)
        sections = {"workload": model.inputs_type, "model": model.options_type}
        if vendor:
            sections["vendor"] = vendor.options_type
        for section, cls in sections.items():
            for field in attrs.fields(cls):
                yield f"  {name}: {section}.{field.name}{_default(field)}"
    for field in attrs.fields(RunOptions):
        yield f"  every model: run.{field.name}={field.default}"
    yield "  every model: conventions.NAME (docs/conventions.md)"


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


def _shelf(shelf: Shelf[Any]) -> Iterator[str]:
    rows = list(shelf)
    try:
        rows = list(shelf.listed())
    except PluginError as error:
        yield f"  {error}"
    width = max((len(name) for name, _, _ in rows), default=0)
    if not rows:
        yield "  none"
    for name, strategy, source in rows:
        origin = source.origin if source.version is None else f"{source.origin} {source.version}"
        yield f"  {name:<{width}}  {getattr(strategy, 'summary', '')}  [{source.name}, {origin}]"
