"""Laws as data: trees that a program evaluates in a dozen lines (docs/export.md)."""

from __future__ import annotations

from collections.abc import Sequence

from flopbench.exports.laws import ExportedLaws
from flopbench.exports.targets import Files


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return a file for each model."""
    return {f"{each.identifier}.json": each.to_json() + "\n" for each in laws}
