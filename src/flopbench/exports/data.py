"""The JSON form of exported laws. Values are texts where a program's floats would round them."""

from __future__ import annotations

from typing import Any

import attrs

from flopbench.exports.laws import (
    LAWS_SCHEMA_VERSION,
    QUANTITIES,
    ExportedLaws,
    StageLaws,
)
from flopbench.text import json_data


def as_dict(laws: ExportedLaws) -> dict[str, Any]:
    """Return the JSON form."""
    used = {law.quantity for stage in laws.stages for law in stage.laws}
    used |= {each.quantity for stage in laws.stages for each in stage.left_out}
    found = {
        "schema_version": LAWS_SCHEMA_VERSION,
        "name": laws.name,
        "identifier": laws.identifier,
        "kind": laws.kind,
        "verdict": laws.verdict,
        "symbols": [attrs.asdict(symbol) for symbol in laws.symbols],
        "attention": list(laws.attention),
        "quantities": {
            name: {"unit": unit, "meaning": meaning}
            for name, (unit, meaning) in QUANTITIES.items()
            if name in used
        },
        "stages": [_stage(stage) for stage in laws.stages],
        "closed": dict(laws.closed),
        "notes": list(laws.notes),
        "left_out": list(laws.left_out),
        "provenance": dict(laws.provenance),
    }
    return dict(json_data(found))


def _stage(stage: StageLaws) -> dict[str, Any]:
    plain = attrs.asdict(stage, recurse=False)
    plain |= {
        name: [attrs.asdict(each, recurse=False) for each in plain[name]]
        for name in ("assumptions", "laws", "left_out", "refused")
    }
    return plain | {
        "symbols": list(stage.symbols),
        "parts": list(stage.parts),
        "golden": [
            {
                "sizes": dict(each.sizes),
                "values": {name: str(value) for name, value in each.values.items()},
            }
            for each in stage.golden
        ],
    }
