"""The hooks: one model and its vendor, for all types."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute the model of any type; it lists the types with closed forms."""
    return [HfModel]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real models, of any type."""
    return [HfVendor]
