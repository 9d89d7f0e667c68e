"""A tree as HTML: nested `details` with bars, without scripts, readable on light and dark."""

from __future__ import annotations

import html as escaping
from collections import deque
from collections.abc import Iterator

from attrs import Factory, define, frozen

from flopbench.text import si, visible
from flopbench.values.node import Node

MOST = 2000
"""Parts that are shown; those nearest to the root first."""

_OPEN = 2
"""Levels that are open at first."""

_BOX = "max-width:72em;font:14px/1.5 system-ui,sans-serif;color:inherit"
_ROW = "display:inline-flex;width:calc(100% - 1.3em);gap:.8em;align-items:baseline"
_INNER = "padding-left:1.3em"
_NAME = "flex:1 0 8em;overflow-wrap:anywhere"
_TRACK = (
    "flex:0 0 9em;align-self:center;height:.65em;background:rgba(128,128,128,.25);border-radius:2px"
)
_BAR = "display:block;height:100%;background:#3b82c4;border-radius:2px;width:"
_NUMBER = "flex:0 0 8.5em;text-align:right;font-variant-numeric:tabular-nums"
_SHARE = "flex:0 0 4.2em;text-align:right;font-variant-numeric:tabular-nums"
_EXACT = (
    "flex:0 1 17em;min-width:10em;text-align:right;font-variant-numeric:tabular-nums;opacity:.65"
)
_NOTE = (
    "display:block;padding-left:1.1em;opacity:.75;font-size:.9em;overflow-wrap:anywhere;"
    "white-space:pre-wrap"
)

_HEAD = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n</head>\n<body>\n'
)


@define
class _Part:
    """A part that is shown, with the number of its children that are not."""

    node: Node
    children: list[_Part] = Factory(list)
    left_out: int = 0


def html(root: Node) -> str:
    """Return a tree as a part of an HTML page."""
    return f'<div style="{_BOX}">{"".join(_lines(_shown(root)))}</div>'


def page(root: Node) -> str:
    """Return a tree as an HTML page of its own."""
    return f"{_HEAD.format(title=_text(root.name))}{html(root)}\n</body>\n</html>"


def _shown(root: Node) -> _Part:
    """Return the parts to show, level by level, as long as there is room."""
    top, count = _Part(root), 1
    queue = deque([top])
    while queue:
        part = queue.popleft()
        part.children = [_Part(child) for child in part.node.children[: MOST - count]]
        part.left_out = len(part.node.children) - len(part.children)
        count += len(part.children)
        queue += part.children
    return top


@frozen
class _Scale:
    """What a full bar is; None if there is nothing to compare with.

    Attributes:
        is_whole: whether it is what a part above costs, so that bars are shares of it.
    """

    full: int | None = None
    is_whole: bool = False


def _lines(top: _Part) -> Iterator[str]:
    """Yield the HTML; a stack instead of recursion takes trees of any depth."""
    stack: list[tuple[_Part, int, _Scale] | str] = [(top, 0, _Scale())]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        part, level, scale = item
        row = _row(part.node, scale)
        if not part.node.children:
            yield f"<div>{row}</div>"
            continue
        opened = " open" if level < _OPEN else ""
        yield f'<details{opened}><summary>{row}</summary><div style="{_INNER}">'
        more = f"<div>and {part.left_out:,} more</div>" if part.left_out else ""
        stack.append(f"{more}</div></details>")
        scales = _scales(part.node, scale)
        stack += [(c, level + 1, scales.get(c.node.unit, _Scale())) for c in part.children[::-1]]


def _scales(node: Node, scale: _Scale) -> dict[str, _Scale]:
    """Return the scale of a node's children, by unit.

    They are shares of the highest part with a number; without one, they are held against the
    largest of them.
    """
    if scale.is_whole:
        return {node.unit: scale}
    if node.value is not None:
        return {node.unit: _Scale(node.value, is_whole=True)}
    largest: dict[str, int] = {}
    for child in node.children:
        if child.value is not None:
            largest[child.unit] = max(child.value, largest.get(child.unit, 0))
    return {unit: _Scale(value) for unit, value in largest.items()}


def _row(node: Node, scale: _Scale) -> str:
    """Return what is said of a node; a leaf has an indent where others have a marker."""
    cells = [f'<span style="{_NAME}">{_text(node.name)}</span>']
    if node.value is not None:
        if scale.full:
            percent = min(max(100 * node.value / scale.full, 0), 100)
            cells += [f'<span style="{_TRACK}"><span style="{_BAR}{percent:.2f}%"></span></span>']
            share = f"{percent:.1f} %" if scale.is_whole else ""
            cells += [f'<span style="{_SHARE}">{share}</span>']
        unit = _text(node.unit)
        cells += [f'<span style="{_NUMBER}">{_text(si(node.value, node.unit))}</span>']
        cells += [f'<span style="{_EXACT}">{node.value:,} {unit}</span>']
    indent = "" if node.children else ";padding-left:1.1em"
    row = f'<span style="{_ROW}{indent}">{" ".join(cells)}</span>'
    return row + (f'<span style="{_NOTE}">{_text(node.note)}</span>' if node.note else "")


def _text(text: str) -> str:
    """Return text that HTML shows as it is."""
    return escaping.escape(visible(text))
