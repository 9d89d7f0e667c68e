"""HTML pages of results: one self-contained file each, with tables, trees and charts.

A command says what a page shows in plain data (`Page` and its blocks); `html` makes the file. What
draws it in a browser are the small files in ``assets/``, and d3 with Observable Plot, inlined.
"""

from flopbench.pages.blocks import (
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
)
from flopbench.pages.document import html

__all__ = [
    "Block",
    "Chart",
    "Column",
    "Lines",
    "Measure",
    "Page",
    "Section",
    "Table",
    "Trees",
    "Verdict",
    "as_text",
    "html",
]
