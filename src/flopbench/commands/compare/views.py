"""A comparison as rows, and as the tree that a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flopbench.analytic import Stage
from flopbench.commands.compare.comparison import Side, SideBySide
from flopbench.values import Node


def rows(found: SideBySide) -> Iterator[dict[str, Any]]:
    """Yield a row per model, stage and attention mode; a model without costs has one per stage.

    FLOPs and bytes are those of all pages or sequences at once; ``pages`` says how many.
    """
    for side in found.sides:
        for stage in found.stages:
            costs = side.costs.get(stage.name, {})
            vendor = side.vendor_flops.get(stage.name)
            if not costs and vendor is None and not side.error:
                continue
            head = {"model": side.label, "stage": stage.name}
            tail = {"vendor_flops": vendor, "verdict": side.verdict, "error": side.error}
            modes: list[str | None] = [*costs] or [None]
            for mode in modes:
                cost = {} if mode is None else costs[mode]
                numbers = {name: cost[name] for name in cost if name != "parts_flops"}
                facts = {"attention": mode, "pages": side.pages, "dtype": side.dtype}
                if found.pages:
                    facts |= {"page": side.page, **_page(side)}
                yield {**head, **facts, **numbers, **tail}


def _page(side: Side) -> dict[str, Any]:
    """Return the size of a page, and what it becomes."""
    sizes = {name: side.workload.get(f"page.{name}") for name in ("width", "height")}
    return {**sizes, **{f"{name}_tokens": side.tokens.get(name) for name in ("image", "context")}}


def tree(found: SideBySide) -> Node:
    """Return each stage with the FLOPs of each model and attention mode, and its vendor's count."""
    stages = tuple(
        Node(stage.title, None, tuple(n for side in found.sides for n in _costs(side, stage)))
        for stage in found.stages
    )
    models = tuple(Node(side.label, None, (), _state(side)) for side in found.sides)
    return Node(
        "FLOPs of all pages or sequences at once", None, (Node("Models", None, models), *stages)
    )


def _costs(side: Side, stage: Stage) -> Iterator[Node]:
    for mode, cost in side.costs.get(stage.name, {}).items():
        parts = tuple(Node(name, cost[f"{name}_flops"]) for name in ("tensor", "vector"))
        yield Node(f"{side.label}, {mode}", cost["flops"], parts)
    vendor = side.vendor_flops.get(stage.name)
    if vendor is not None:
        yield Node(f"{side.label}, counted by its vendor", vendor)


def _state(side: Side) -> str:
    notes = filter(None, (side.error, side.no_closed_forms, *side.notes))
    return "\n".join((side.verdict.replace("_", " "), *notes))
