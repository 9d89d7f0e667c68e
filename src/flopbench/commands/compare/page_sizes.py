"""What models cost over the sizes of a page: tokens of its image, FLOPs, and the largest tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from math import sqrt
from typing import Any

import attrs
from attrs import frozen

from flopbench.commands.compare.plan import IMAGE, Entry, plan_entry, reads_images
from flopbench.errors import FlopbenchError
from flopbench.ops.footprint import Footprint
from flopbench.plan import Plan
from flopbench.registry.catalog import Catalog

MEGAPIXELS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8)
"""Sizes of pages: from a thumbnail to a scan at 300 dots per inch."""


def page_of(megapixels: float) -> tuple[int, int]:
    """Return width and height of a page of that size, as tall as A4 (ISO 216: 1 to sqrt 2)."""
    width = sqrt(megapixels * 1e6 / sqrt(2))
    return round(width), round(width * sqrt(2))


@frozen(kw_only=True)
class PageSize:
    """What one model costs on one page, up to the first token.

    Attributes:
        attention: the mode of its costs: the first that is compared.
        flops: of the stages before the first token, per page.
        largest_tensor_bytes: the largest tensor of these stages.
        error: why it cannot be priced.
    """

    label: str
    megapixels: float
    width: int
    height: int
    attention: str | None = None
    image_tokens: int | None = None
    flops: int | None = None
    largest_tensor_bytes: int | None = None
    error: str | None = None


def page_sizes(
    catalog: Catalog, entries: Iterable[Entry], shared: Iterable[str], options: Mapping[str, Any]
) -> tuple[PageSize, ...]:
    """Price models on pages of several sizes, by their closed forms; those that read none are not.

    Args:
        options: as of `flopbench.commands.compare.plan.plan_entries`.
    """
    own = {"run.stages": None, "run.counters": None, "run.analytic_only": True}
    options = {name: value for name, value in {**options, **own}.items() if value is not None}
    models = dict.fromkeys(attrs.evolve(entry, page=None) for entry in entries)
    return tuple(
        size
        for entry in models
        if reads_images(catalog, entry)
        for size in _of_model(catalog, entry, tuple(shared), options)
    )


def _of_model(
    catalog: Catalog, entry: Entry, shared: tuple[str, ...], options: Mapping[str, Any]
) -> Iterator[PageSize]:
    for megapixels in MEGAPIXELS:
        width, height = page_of(megapixels)
        blank = PageSize(label=entry.label, megapixels=megapixels, width=width, height=height)
        try:
            plan = plan_entry(catalog, entry, shared, {**options, IMAGE: [width, height]})
            yield _priced(blank, plan)
        except FlopbenchError as error:
            yield attrs.evolve(blank, error=str(error))


def _priced(blank: PageSize, plan: Plan) -> PageSize:
    mode, names = plan.modes[0], plan.model.first_token
    prices = [plan.pricer.stage(plan.model, name, plan.workload, mode) for name in names]
    held = reduce(Footprint.then, (each.footprint for each in prices), Footprint())
    facts = {**plan.config["workload"], **plan.model.workload_facts(plan.workload)}
    return attrs.evolve(
        blank,
        attention=mode.name,
        image_tokens=facts.get("image_tokens"),
        flops=sum(int(each.cost.flops) for each in prices) // facts.get("batch_size", 1),
        largest_tensor_bytes=int(held.largest_tensor_bytes),
    )
