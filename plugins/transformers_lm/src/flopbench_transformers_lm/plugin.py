"""The hooks: a model for each type with closed forms, and one for all other types."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_transformers_lm.analytic import COVERED, HfModel
from flopbench_transformers_lm.model_types import PREFIX
from flopbench_transformers_lm.vendor import HfVendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute the types with closed forms one by one, so that they are listed, and the rest."""
    return [*(HfModel.for_name(PREFIX + kind) for kind in sorted(COVERED)), HfModel]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real models, of any type."""
    return [HfVendor]
