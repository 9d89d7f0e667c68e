"""``sweep.csv``, written in pieces: the text that `csv_text` gives of all rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from flopbench.commands.sweep.rows import column_names, row_columns
from flopbench.commands.sweep.table import Group, Table
from flopbench.commands.sweep.templates import Columns, Template, in_order
from flopbench.text import cell, visible


def csv_pieces(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the text of a report's rows, whose points are a `Table`."""
    table: Table = report["points"]
    names = column_names(report)
    yield ",".join(map(_cell, names)) + "\n"
    for groups in table.chunks():
        texts = [_texts(report, group, names) for group in groups]
        yield "".join(in_order([group.indices for group in groups], texts))


def _texts(report: Mapping[str, Any], group: Group, names: Sequence[str]) -> Iterable[str]:
    """Return the rows of each point of a group."""
    rows, columns = [*row_columns(report, group.tree)], Columns(_cell)
    first = rows[0]
    shared = [*takewhile(lambda name: name != "stage", names)]  # the facts, equal in all rows
    facts = Template(columns)
    for name in shared:
        facts.add_column(first.get(name))
        facts.add(",")
    of_all = [*facts.filled(len(group.indices))]
    template = Template(columns)
    for row in rows:
        template.add_texts(of_all)
        for number, name in enumerate(names[len(shared) :]):
            template.add("," if number else "")
            template.add_column(row.get(name))
        template.add("\n")
    return template.filled(len(group.indices))


def _cell(value: Any) -> str:
    """Return a value as `csv` writes it beside others."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow((cell(value), None))
    return visible(text.getvalue()[: -len(",\n")])
