"""The real DeepSeek-OCR 2, and the implementation that runs it."""

from __future__ import annotations

from typing import Any

from flopbench_deepseek_ocr.vendor import Implementation, PageVendor


class DeepseekOcr2Vendor(PageVendor):
    """DeepSeek-OCR 2 as transformers implements it, on the meta device."""

    name = "deepseek_ocr2"

    @classmethod
    def native(cls, architecture: Any) -> Implementation:
        from flopbench_deepseek_ocr2.vendor_native import NativeOcr2

        return NativeOcr2(architecture)
