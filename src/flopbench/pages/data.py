"""A page as the JSON that its script reads: numbers exact, and texts that show all they hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flopbench.pages.blocks import Block, Cell, Chart, Lines, Measure, Page, Section, Table, Trees
from flopbench.text import json_data, visible
from flopbench.values.node import Node

MOST = 5000
"""Parts of a tree that a page has; those nearest to the root first."""

MOST_JSON = 750_000
"""Characters of the result that a page holds to download."""


def page_data(page: Page) -> dict[str, Any]:
    """Return what the script of a page reads."""
    verdict = page.verdict
    return {
        "title": page.title,
        "verdict": None if verdict is None else {"text": verdict.text, "tone": verdict.tone},
        "about": list(page.about),
        "sections": [_section(section) for section in page.sections],
        "json": _to_load(page.data),
        **({} if page.explorer is None else {"explorer": page.explorer}),
    }


def _to_load(data: Mapping[str, Any] | None) -> str | None:
    """Return the result itself as JSON, unless it would fill the page."""
    text = json.dumps(json_data(data), separators=(",", ":"))
    return None if data is None or len(text) > MOST_JSON else text


def embedded(value: Any) -> str:
    """Return JSON for a ``script`` element: pure ASCII, and nothing that could end the element."""
    text = json.dumps(_shown(json_data(value)), separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _shown(value: Any) -> Any:
    """Escape what is not seen, or turns text around, in all texts; the JSON to load stays."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(name)): _shown(inner) for name, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def _section(section: Section) -> dict[str, Any]:
    return {"title": section.title, "blocks": [_block(block) for block in section.blocks]}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Table():
            return _table(block)
        case Trees():
            return _trees(block)
        case Chart():
            return _chart(block)
        case Lines():
            return {
                "kind": "lines",
                "title": block.title,
                "lines": list(block.lines),
                "monospace": block.monospace,
                "closed": block.closed,
            }


def _table(table: Table) -> dict[str, Any]:
    """Return a table without the columns that are empty in all rows."""
    columns = [
        index
        for index in range(len(table.columns))
        if not table.rows or any(row[index] is not None for row in table.rows)
    ]
    shown = [table.columns[index] for index in columns]
    return {
        "kind": "table",
        "title": table.title,
        "note": table.note,
        "columns": [{"name": c.name, "kind": c.kind, "unit": c.unit} for c in shown],
        "rows": [[_number(row[index]) for index in columns] for row in table.rows],
    }


def _number(value: Cell) -> Cell:
    """Write an integer as text, for JavaScript's numbers are rounded; no cell has NaN."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, int) else value


def _trees(block: Trees) -> dict[str, Any]:
    trees = {label: list(_nodes(root)) for label, root in block.trees.items()}
    return {"kind": "trees", "title": block.title, "note": block.note, "trees": trees}


def _nodes(root: Node) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a tree, level by level, each with the number of its parent."""
    found: list[tuple[Node, int]] = [(root, -1)]
    for number, (node, parent) in enumerate(found):
        value = None if node.value is None else str(node.value)
        yield {
            "name": node.name,
            "value": value,
            "unit": node.unit,
            "note": node.note,
            "parent": parent,
        }
        found += [(child, number) for child in node.children[: MOST - len(found)]]


def _chart(chart: Chart) -> dict[str, Any]:
    points = chart.points
    return {
        "kind": "chart",
        "title": chart.title,
        "x": chart.x,
        "points": list(points),
        "numeric": not any(isinstance(point, str) for point in points),
        "labels": list(chart.labels or map(_plain, points)),
        "log_x": chart.log_x,
        "log_y": chart.log_y,
        "measures": [_measure(measure) for measure in chart.measures],
    }


def _plain(point: float | str) -> str:
    return point if isinstance(point, str) else f"{point:,.10g}"


def _measure(measure: Measure) -> dict[str, Any]:
    series: Mapping[str, Sequence[Any]] = measure.series
    return {
        "name": measure.name,
        "unit": measure.unit,
        "stacked": measure.stacked,
        "series": [
            {"name": name, "values": list(map(_number, values))} for name, values in series.items()
        ],
    }
