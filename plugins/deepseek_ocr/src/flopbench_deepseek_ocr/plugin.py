"""The hooks: an analytic model and the vendor model that it is checked against."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute DeepSeek-OCR's closed forms."""
    return [DeepseekOcr]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real DeepSeek-OCR."""
    return [DeepseekOcrVendor]
