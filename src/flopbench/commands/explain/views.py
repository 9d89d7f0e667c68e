"""An explanation as data: its JSON form, its rows, and the tree that a notebook shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flopbench import values
from flopbench.commands.explain.text import EXPLAIN_SCHEMA_VERSION, notes
from flopbench.commands.explain.tree import Explanation, Node


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """Return the JSON form."""
    return {
        "schema_version": EXPLAIN_SCHEMA_VERSION,
        "model": explanation.model,
        "attention": explanation.attention,
        "work": explanation.work,
        "symbols": _symbols(explanation.sizes),
        "dimensions": _symbols(explanation.dimensions),
        "fallbacks": [attrs.asdict(fallback) for fallback in explanation.fallbacks],
        "notes": list(explanation.notes),
        "tree": {**_own(explanation.root), "children": _children(explanation.root)},
    }


def _symbols(found: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    return {name: {"value": value, "meaning": meaning} for name, (value, meaning) in found.items()}


def _children(node: Node) -> list[dict[str, Any]]:
    return [{**_own(child), "children": _children(child)} for child in node.children]


def _own(node: Node) -> dict[str, Any]:
    return {
        "name": node.path[-1] if node.path else None,
        "path": "/".join(node.path),
        "flops": node.flops,
        "share": node.share,
        "form": str(node.form),
        "named_form": None if node.named_form is None else str(node.named_form),
    }


def rows(root: Node) -> Iterator[dict[str, Any]]:
    """Yield a row per part, depth first, with its depth in the tree."""
    for node in root.walk():
        yield {"depth": len(node.path), **_own(node)}


def tree(explanation: Explanation) -> values.Node:
    """Return the tree for a notebook; a note has the closed form."""
    work = "all work" if explanation.work == "all" else f"{explanation.work} work"
    root = _tree(explanation.root)
    title = f"{explanation.model}, {explanation.attention} attention, {work}"
    return attrs.evolve(root, name=title, note="\n".join((root.note or "", *notes(explanation))))


def _tree(node: Node) -> values.Node:
    note = str(node.form)
    if node.named_form is not None and not node.children:
        note += f"\n= {node.named_form}"
    children = tuple(map(_tree, node.children))
    return values.Node(node.path[-1] if node.path else "", node.flops, children, note)
