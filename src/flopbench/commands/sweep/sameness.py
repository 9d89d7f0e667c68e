"""Whether another machine counts the same: it plans a sweep from the same request, by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from flopbench.commands.sweep.plan import SweepPlan
from flopbench.commands.sweep.units import Unit
from flopbench.digests import canonical, source_digest
from flopbench.errors import UsageError
from flopbench.plan.training import untrained
from flopbench.text import listed

Identity = Mapping[str, str]
"""Digests of what a count depends on, by name."""


def identity(plan: SweepPlan, unit: Unit) -> Identity:
    """Return digests of what the count of a unit depends on."""
    index = unit.points[0]
    run = plan.plans[index]
    config = run.config
    strategies = (*untrained(run.vendor and run.vendor.plugin), *(c.plugin for c in run.counters))
    depends: dict[str, Callable[[], Any]] = {
        "model": lambda: [run.model.name, config.get("model"), run.model.architecture],
        "workload": lambda: [unit.stage, plan.workloads[index]],
        "vendor": lambda: [config.get(name) for name in ("vendor", "train", "run")],
        "code": lambda: [source_digest(type(each)) for each in strategies],
    }
    return {name: _digest(value) for name, value in depends.items()}


def _digest(value: Callable[[], Any]) -> str:
    try:
        text = canonical(value())
    except TypeError:  # its fields are unknown, so nobody can tell
        text = ""
    return hashlib.sha256(text.encode()).hexdigest()


def require_same(there: Identity, here: Identity, label: str) -> None:
    """Require that a unit is the same on this machine as on the client's.

    Raises:
        UsageError: it is not.
    """
    if other := [name for name in there if there[name] != here[name]]:
        raise UsageError(
            f"{listed(other, 'and')} of {label} differ from those on the machine of this command: "
            "a file that it names, or installed code, is another one"
        )
