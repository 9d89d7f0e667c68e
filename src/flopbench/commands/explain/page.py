"""An explanation as one HTML file: the tree to click, with the law of each part."""

from __future__ import annotations

from flopbench.commands.explain.text import SHARES, notes
from flopbench.commands.explain.tree import Explanation
from flopbench.pages import Column, Lines, Page, Section, Table, Trees, as_text, html
from flopbench.pages.blocks import Cell


def to_html(explanation: Explanation) -> str:
    """Return the page of an explanation."""
    return html(page(explanation))


def page(explanation: Explanation) -> Page:
    """Return what the page of an explanation shows."""
    tree = explanation.tree()
    return Page(
        title=f"Where the FLOPs of {explanation.model} are",
        about=[f"{tree.name}; {SHARES}"],
        sections=[
            Section(
                "Parts", [Trees("Where the FLOPs are", {tree.name: tree}), _parts(explanation)]
            ),
            Section("Sizes", [_symbols(explanation)]),
            Section("Notes", [*_notes(explanation), as_text(explanation.text())]),
        ],
        data=explanation.to_dict(),
    )


def _parts(explanation: Explanation) -> Table:
    columns = [Column("part"), Column("FLOPs", "number", "FLOP"), Column("share", "share")]
    columns += [Column("law", "law"), Column("with names", "law")]
    rows = [
        [
            "/".join(node.path) or "all",
            node.flops,
            node.share,
            str(node.form),
            None if node.named_form is None or node.children else str(node.named_form),
        ]
        for node in explanation.root.walk()
    ]
    return Table("The law of each part", columns, rows)


def _symbols(explanation: Explanation) -> Table:
    rows: list[list[Cell]] = [
        [name, value, meaning]
        for found in (explanation.sizes, explanation.dimensions)
        for name, (value, meaning) in found.items()
    ]
    return Table(
        "What the symbols stand for",
        [Column("symbol"), Column("value", "plain"), Column("meaning")],
        rows,
    )


def _notes(explanation: Explanation) -> list[Lines]:
    lines = list(notes(explanation))
    return [Lines("What to know of these numbers", lines)] if lines else []
