"""A plan on another machine: made there from the same request, and compared with the one here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from flopbench.digests import canonical, source_digest
from flopbench.errors import UsageError
from flopbench.plan.plan import Plan, make_plan
from flopbench.plan.training import untrained
from flopbench.registry.catalog import Catalog, build_catalog
from flopbench.registry.loading import load_plugins
from flopbench.text import listed


@frozen(kw_only=True)
class PlanRequest:
    """What the user asked for; plain data, so that another process can make the same plan.

    Attributes:
        plugins: the ``-p`` options.
    """

    model: str
    plugins: tuple[str, ...] = ()
    file: Path | None = None
    overrides: tuple[str, ...] = ()
    options: Mapping[str, Any] = Factory(dict)

    def plan(self, catalog: Catalog | None = None) -> Plan:
        """Make the plan in this process, which loads the plugins if it has no catalog yet."""
        return make_plan(
            catalog or build_catalog(load_plugins(self.plugins)),
            self.model,
            file=self.file,
            overrides=self.overrides,
            options=self.options,
        )


Identity = Mapping[str, str]
"""Digests of what a count depends on, by name."""


def identity(plan: Plan, stage: str, workload: Any) -> Identity:
    """Return digests of what the vendor's count of a stage depends on."""
    config = plan.config
    vendors = untrained(plan.vendor and plan.vendor.plugin)
    strategies = (*vendors, *(counter.plugin for counter in plan.counters))
    depends: dict[str, Callable[[], Any]] = {
        "model": lambda: [plan.model.name, config.get("model"), plan.model.architecture],
        "workload": lambda: [stage, workload],
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
    """Require that a count depends here on what it depends on where it was asked for.

    Raises:
        UsageError: it does not.
    """
    if other := [name for name in there if there[name] != here[name]]:
        raise UsageError(
            f"{listed(other, 'and')} of {label} differ from those on the machine of this command: "
            "a file that it names, or installed code, is another one"
        )
