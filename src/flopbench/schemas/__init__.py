"""JSON Schemas (draft 2020-12) of the JSON that commands print and write.

`load("report")` returns the schema of ``report.json``, ready for any validator. Each schema is
that of one version of its form, the ``schema_version`` that it asks for.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from flopbench.errors import UsageError, unknown

__all__ = [
    "NAMES",
    "load",
]

NAMES = (
    *("attention", "certificate", "compare", "count", "explain", "law", "laws", "lock", "proof"),
    *("referee", "report", "survey", "sweep"),
)
"""What there is a schema of."""


def load(name: str) -> dict[str, Any]:
    """Return the schema that is called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in NAMES:
        raise UsageError(unknown("schema", name, NAMES))
    text = files(__name__).joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
