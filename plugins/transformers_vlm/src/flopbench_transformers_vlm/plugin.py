"""The hooks: one model and its vendor, for all types."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_transformers_vlm.analytic import VlModel
from flopbench_transformers_vlm.vendor import VlVendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute the model of any type that has a family here."""
    return [VlModel]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real models."""
    return [VlVendor]
