"""Laws as a page to play with: all models on one."""

from __future__ import annotations

from collections.abc import Sequence

from flopbench.exports.explorer import page
from flopbench.exports.laws import ExportedLaws
from flopbench.exports.targets import Files
from flopbench.pages import html


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return one file for all models: named after the only one, or ``explorer.html``."""
    name = laws[0].identifier if len(laws) == 1 else "explorer"
    return {f"{name}.html": html(page(laws)) + "\n"}
