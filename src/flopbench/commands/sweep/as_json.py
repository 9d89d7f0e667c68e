"""``sweep.json``, written in pieces: the text that `json_text` gives of the whole report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flopbench.commands.sweep.table import Group, Table, Tree
from flopbench.commands.sweep.templates import Columns, Template, in_order
from flopbench.text import json_text, visible


def json_pieces(report: Mapping[str, Any], indent: int = 1) -> Iterator[str]:
    """Yield the text of a report, whose points are a `Table`."""
    table: Table = report["points"]
    head, _, _ = visible(json_text({**report, "points": []}, indent)).rpartition("[]")
    yield f"{head}[\n"
    separator = ""
    for groups in table.chunks():
        texts = [_texts(group, " " * indent) for group in groups]
        yield separator + ",\n".join(in_order([group.indices for group in groups], texts))
        separator = ",\n"
    yield f"\n{' ' * indent}]\n}}\n"


def _texts(group: Group, indent: str) -> Iterable[str]:
    template = Template(Columns(lambda value: visible(json_text(value, len(indent)))))
    template.add(2 * indent)
    _add(template, group.tree, "\n" + 2 * indent, indent)
    return template.filled(len(group.indices))


def _add(template: Template, tree: Tree, newline: str, indent: str) -> None:
    """Add an object, as `json.dumps` indents it.

    Args:
        newline: what a line begins with that is as deep as the object.
    """
    before, deeper = "{", newline + indent
    for name, inner in tree.items():
        template.add(f"{before}{deeper}{json.dumps(name, ensure_ascii=False)}: ")
        if isinstance(inner, Mapping):
            _add(template, inner, deeper, indent)
        else:
            template.add_column(inner, deeper)
        before = ","
    template.add(f"{newline}}}" if tree else "{}")
