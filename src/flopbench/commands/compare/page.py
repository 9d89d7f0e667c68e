"""Models side by side as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flopbench.analytic import Stage
from flopbench.commands.compare import over_pages
from flopbench.commands.compare.comparison import Side, SideBySide
from flopbench.commands.compare.page_sizes import PageSize
from flopbench.commands.compare.text import PLURAL, check_of, notes
from flopbench.pages import (
    Block,
    Chart,
    Column,
    Lines,
    Measure,
    Page,
    Section,
    Table,
    Trees,
    Verdict,
    as_text,
    html,
)
from flopbench.pages.blocks import Cell, Number
from flopbench.values.node import Node, tree_of

_COSTS = {
    "flops": ("FLOPs", "FLOP"),
    "tensor_flops": ("tensor", "FLOP"),
    "vector_flops": ("vector", "FLOP"),
    "expected_bytes_moved": ("bytes moved", "B"),
    "weight_bytes": ("weights", "B"),
    "kv_cache_bytes": ("KV cache", "B"),
    "peak_activation_bytes": ("peak activations", "B"),
    "largest_tensor_bytes": ("largest tensor", "B"),
}
_PER_PAGE = frozenset({"flops", "tensor_flops", "vector_flops", "expected_bytes_moved"})
_SIZES = {
    "flops": ("FLOPs to the first token", "FLOP"),
    "image_tokens": ("tokens of the image", "tokens"),
    "largest_tensor_bytes": ("largest tensor", "B"),
}


def to_html(found: SideBySide) -> str:
    """Return the page of a comparison."""
    return html(page(found))


def page(found: SideBySide) -> Page:
    """Return what the page of a comparison shows."""
    names = ", ".join(dict.fromkeys(side.label for side in found.sides))
    stages = [Section(stage.title, tuple(_stage(found, stage))) for stage in found.stages]
    sizes = [Section("Over page sizes", [_sizes(found.page_sizes)])] if found.page_sizes else []
    lines = [*over_pages.errors(found), *dict.fromkeys((*found.notes, *notes(found)))]
    said = [Lines("What to know of these numbers", lines)] if lines else []
    return Page(
        title=names,
        verdict=_verdict(found),
        about=[f"FLOPs and bytes moved are per {found.per}."],
        sections=[
            Section("Models", [_models(found)]),
            *stages,
            *sizes,
            Section("Notes", [*said, as_text(found.text())]),
        ],
        data=found.to_dict(),
    )


def _verdict(found: SideBySide) -> Verdict:
    if found.failed:
        return Verdict("a model failed, or differs from its vendor's", "bad")
    verdicts = {side.verdict for side in found.sides}
    if verdicts == {"verified"}:
        return Verdict("verified: each model equals its vendor's to the last FLOP", "good")
    checked = "some models were" if "verified" in verdicts else "nothing was"
    return Verdict(f"{checked} checked against a vendor", "neutral")


def _models(found: SideBySide) -> Table:
    tokens = {"image": "image tokens", "context": "context", "output": "output tokens"}
    columns = [Column("model"), *(Column(name, "plain") for name in tokens.values())]
    columns += [Column(f"{PLURAL[found.per]} at once", "plain"), Column("dtype"), Column("check")]
    rows = [
        [
            _name(side),
            *(side.tokens.get(name) for name in tokens),
            side.pages,
            side.dtype,
            check_of(side),
        ]
        for side in found.sides
    ]
    return Table("Models", columns, rows)


def _name(side: Side) -> str:
    return side.label if side.page is None else f"{side.label}, {Path(side.page).name}"


def _stage(found: SideBySide, stage: Stage) -> Iterator[Block]:
    sides = [side for side in found.sides if stage.name in side.costs]
    counted = [s for s in found.sides if s.vendor_flops.get(stage.name) is not None]
    shown = [side for side in found.sides if side in sides or side in counted]
    names = [_name(side) for side in shown]
    measures = [
        Measure(title, unit, _values(found, shown, stage.name, field))
        for field, (title, unit) in _COSTS.items()
    ]
    yield Chart("Models side by side", "model", names, [m for m in measures if m.series])
    trees = {
        f"{_name(side)}, {mode}": _parts(side, mode, cost)
        for side in sides
        for mode, cost in side.costs[stage.name].items()
    }
    if trees:
        yield Trees("Where the FLOPs are", trees)
    yield _table(found, shown, stage.name)


def _values(
    found: SideBySide, shown: Sequence[Side], stage: str, field: str
) -> dict[str, list[Number | None]]:
    values = {
        label: [_cost(side, stage, mode, field) for side in shown]
        for mode, label in found.modes.items()
    }
    if field == "flops":
        vendor = [_per_page(side, field, side.vendor_flops.get(stage)) for side in shown]
        values = {f"vendor ({found.vendor_counter})": vendor, **values}
    return {label: known for label, known in values.items() if any(known)}


def _cost(side: Side, stage: str, mode: str, field: str) -> Number | None:
    return _per_page(side, field, side.costs.get(stage, {}).get(mode, {}).get(field))


def _per_page(side: Side, field: str, value: Number | None) -> Number | None:
    """Return a cost of one page: whole if it is, for all pages of a batch are alike."""
    if value is None or field not in _PER_PAGE or side.pages == 1:
        return value
    return value // side.pages if value % side.pages == 0 else value / side.pages


def _parts(side: Side, mode: str, cost: Mapping[str, Any]) -> Node:
    values = {tuple(name.split("/")): flops for name, flops in cost["parts_flops"].items()}
    return tree_of(f"{_name(side)}, {mode}", values)


def _table(found: SideBySide, shown: Sequence[Side], stage: str) -> Table:
    columns = [Column("model"), Column("attention")]
    columns += [Column(title, "number", unit) for title, unit in _COSTS.values()]
    rows: list[list[Cell]] = []
    for side in shown:
        vendor = side.vendor_flops.get(stage)
        if vendor is not None:
            label = f"vendor ({found.vendor_counter})"
            empty = [None] * (len(_COSTS) - 1)
            rows.append([_name(side), label, _per_page(side, "flops", vendor), *empty])
        for mode in side.costs.get(stage, {}):
            costs = (_cost(side, stage, mode, field) for field in _COSTS)
            rows.append([_name(side), mode, *costs])
    return Table("Costs", columns, rows)


def _sizes(sizes: Sequence[PageSize]) -> Chart:
    points = sorted({size.megapixels for size in sizes})
    by_model: dict[str, dict[float, PageSize]] = {}
    for size in sizes:
        if size.error is None:
            by_model.setdefault(size.label, {})[size.megapixels] = size
    measures = [
        Measure(
            title,
            unit,
            {
                label: [getattr(found.get(point), field, None) for point in points]
                for label, found in by_model.items()
            },
        )
        for field, (title, unit) in _SIZES.items()
    ]
    x = "megapixels of a page as tall as A4"
    return Chart("Models over page sizes", x, points, measures, log_x=True, log_y=True)
