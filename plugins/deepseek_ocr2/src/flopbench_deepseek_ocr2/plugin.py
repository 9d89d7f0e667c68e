"""The hooks: an analytic model and the vendor model that it is checked against."""

from __future__ import annotations

from flopbench import AnalyticModel, VendorModel, hookimpl
from flopbench_deepseek_ocr2.analytic import DeepseekOcr2
from flopbench_deepseek_ocr2.vendor import DeepseekOcr2Vendor


@hookimpl
def flopbench_analytic_models() -> list[type[AnalyticModel]]:
    """Contribute DeepSeek-OCR 2's closed forms."""
    return [DeepseekOcr2]


@hookimpl
def flopbench_vendor_models() -> list[type[VendorModel]]:
    """Contribute the real DeepSeek-OCR 2."""
    return [DeepseekOcr2Vendor]
