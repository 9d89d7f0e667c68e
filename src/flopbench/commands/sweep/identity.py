"""What tells the points of a sweep from those of another: what they are, not what they are called.

A point may name an image, which is another one once its file has changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from attrs import fields

from flopbench.commands.sweep.plan import SweepPlan, blocks
from flopbench.commands.sweep.workloads import Made
from flopbench.digests import canonical
from flopbench.dims import is_array


def points_digest(plan: SweepPlan) -> str:
    """Return a digest of the facts and the workloads of all points."""
    found = hashlib.sha256()
    for indices in blocks(len(plan.points)):
        for made in plan.made.block(indices):
            text = canonical([made.indices.tolist(), *map(_texts, (made.facts, _fields(made)))])
            found.update(text.encode())
    return found.hexdigest()


def _fields(made: Made) -> dict[str, Any]:
    workload = made.workload
    return {field.name: getattr(workload, field.name) for field in fields(type(workload))}


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a text of each value; nobody can tell those that have none from others."""
    texts = {}
    for name, value in values.items():
        with suppress(TypeError):
            texts[name] = canonical(value.tolist() if is_array(value) else value)
    return texts
