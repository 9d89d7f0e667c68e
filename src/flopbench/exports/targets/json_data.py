"""Laws as data: trees that a short program evaluates (docs/export.md)."""

from __future__ import annotations

from collections.abc import Sequence

from flopbench.exports.laws import ExportedLaws
from flopbench.exports.targets import Files
from flopbench.exports.targets.code import ascii_json


def files(laws: Sequence[ExportedLaws]) -> Files:
    """Return a file for each model."""
    return {f"{each.identifier}.json": ascii_json(each.to_dict()) for each in laws}
