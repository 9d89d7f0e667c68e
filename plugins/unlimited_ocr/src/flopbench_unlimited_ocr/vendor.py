"""The real Unlimited-OCR, as transformers implements it, on the meta device."""

from __future__ import annotations

from flopbench_deepseek_ocr.vendor import PageVendor
from flopbench_deepseek_ocr.vendor_native import Native


class UnlimitedOcrVendor(PageVendor):
    """Unlimited-OCR as transformers implements it, on the meta device."""

    name = "unlimited_ocr"
    native = Native
