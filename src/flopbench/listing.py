"""The text of ``flopbench list``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from flopbench.catalog import Catalog, Shelf
from flopbench.config import RunOptions


def list_catalog(catalog: Catalog) -> str:
    """Show every strategy with its plugin, every model's stages and sweeps, and what failed."""
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
    for name, model, _source in catalog.models:
        for stage in model.stages:
            parts = f" = {' + '.join(stage.parts)}" if stage.parts else ""
            lines.append(f"  {name}: {stage.name}{parts}")
    lines += ["", "Sweeps:", *_sweeps(catalog)]
    lines += ["", "Keys:", *_keys(catalog)]
    lines += ["", "Failed plugins:" if catalog.failures else "Failed plugins: none"]
    lines += [f"  {failure}" for failure in catalog.failures]
    return "\n".join(lines)


def _sweeps(catalog: Catalog) -> Iterator[str]:
    for name, model, _source in catalog.models:
        for sweep in model.sweeps:
            yield f"  {name}: {sweep.name} = {', '.join(sweep.stages)}: {sweep.description}"
    yield "  every model: flopbench sweep MODEL --vary KEY=VALUES"


def _keys(catalog: Catalog) -> Iterator[str]:
    """Yield every key that a run of a model takes, with its default."""
    for name, model, _source in catalog.models:
        vendor = catalog.vendor_models.find(name)
        sections = {"workload": model.inputs_type, "model": model.options_type}
        if vendor:
            sections["vendor"] = vendor.options_type
        for section, cls in sections.items():
            for field in attrs.fields(cls):
                default = "" if field.default is attrs.NOTHING else f"={field.default}"
                yield f"  {name}: {section}.{field.name}{default}"
    for field in attrs.fields(RunOptions):
        yield f"  every model: run.{field.name}={field.default}"
    yield "  every model with a vendor: vendor.method=auto"
    yield "  every model: conventions.NAME (docs/conventions.md)"


def _shelf(shelf: Shelf[Any]) -> Iterator[str]:
    rows = list(shelf)
    width = max((len(name) for name, _, _ in rows), default=0)
    if not rows:
        yield "  none"
    for name, strategy, source in rows:
        origin = source.origin if source.version is None else f"{source.origin} {source.version}"
        yield f"  {name:<{width}}  {getattr(strategy, 'summary', '')}  [{source.name}, {origin}]"
