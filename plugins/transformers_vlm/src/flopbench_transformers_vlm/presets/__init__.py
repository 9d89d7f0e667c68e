"""Published models: the fields of their configs and image processors, each with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

from flopbench import UsageError
from flopbench.errors import unknown


@frozen
class Preset:
    """A published model.

    Attributes:
        name: what ``model.preset`` takes.
        model_type: what follows ``vl/``.
        source: where its sizes were read.
        parameters: how many weights it has, as published or as its checkpoint has them.
        config: fields of its config.json that decide sizes.
        processor: settings of its image processor that decide sizes.
    """

    name: str
    model_type: str
    source: str
    parameters: int
    config: Mapping[str, Any]
    processor: Mapping[str, Any]


@cache
def presets() -> Mapping[str, Preset]:
    """Return all presets by name."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        found[path.stem] = Preset(path.stem, **json.loads(path.read_text(encoding="utf-8")))
    return found


def preset(model_type: str, name: str) -> Preset:
    """Return a preset of a type.

    Raises:
        UsageError: there is none of that name, or it is of another type.
    """
    known = {each.name: each for each in presets().values() if each.model_type == model_type}
    if name in known:
        return known[name]
    if name in presets():
        other = presets()[name].model_type
        raise UsageError(
            f"model.preset={name} is of type {other!r}, not {model_type!r}: run vl/{other}"
        )
    if not known:
        raise UsageError(
            f"model.preset={name}: vl/{model_type} has no presets; give the config.json of a "
            "checkpoint (model.config)"
        )
    raise UsageError(f"model.preset: {unknown(f'preset of vl/{model_type}', name, known)}")
