"""The real Unlimited-OCR, as transformers implements it, on the meta device."""

from __future__ import annotations

from typing import Any

from flopbench_deepseek_ocr.vendor import Implementation, PageVendor


class UnlimitedOcrVendor(PageVendor):
    """Unlimited-OCR as transformers implements it, on the meta device."""

    name = "unlimited_ocr"

    @classmethod
    def native(cls, architecture: Any) -> Implementation:
        from flopbench_deepseek_ocr.vendor_native import Native

        return Native(architecture)
