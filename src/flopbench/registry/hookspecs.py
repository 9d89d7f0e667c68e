"""The six hooks of a flopbench plugin.

A plugin is a module that implements any of these with ``@hookimpl`` and is registered
under the entry-point group ``flopbench``. Each hook takes no argument, is called once when
flopbench starts a command, and returns classes; flopbench's own plugins use the same hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from flopbench.analytic import AnalyticModel, AttentionMode
    from flopbench.formulas import Formula
    from flopbench.report import Reporter
    from flopbench.vendor import VendorCounter, VendorModel

hookspec = pluggy.HookspecMarker("flopbench")
hookimpl = pluggy.HookimplMarker("flopbench")


@hookspec
def flopbench_analytic_models() -> list[type[AnalyticModel]]:  # type: ignore[empty-body]
    """Return the `AnalyticModel` classes of this plugin."""


@hookspec
def flopbench_attention_modes() -> list[type[AttentionMode]]:  # type: ignore[empty-body]
    """Return the `AttentionMode` classes of this plugin."""


@hookspec
def flopbench_vendor_models() -> list[type[VendorModel]]:  # type: ignore[empty-body]
    """Return the `VendorModel` classes of this plugin."""


@hookspec
def flopbench_vendor_counters() -> list[type[VendorCounter]]:  # type: ignore[empty-body]
    """Return the `VendorCounter` classes of this plugin."""


@hookspec
def flopbench_reporters() -> list[type[Reporter]]:  # type: ignore[empty-body]
    """Return the `Reporter` classes of this plugin."""


@hookspec
def flopbench_formulas() -> list[type[Formula]]:  # type: ignore[empty-body]
    """Return the `Formula` classes of this plugin."""
