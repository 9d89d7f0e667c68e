"""The hooks: an analytic model and the vendor model that it is checked against."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_unlimited_ocr.analytic import UnlimitedOcr
from flopbench_unlimited_ocr.vendor import UnlimitedOcrVendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute Unlimited-OCR's closed forms."""
    return [UnlimitedOcr]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real Unlimited-OCR."""
    return [UnlimitedOcrVendor]
