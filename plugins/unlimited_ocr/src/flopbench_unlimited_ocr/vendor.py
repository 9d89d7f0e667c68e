"""The real Unlimited-OCR, as transformers implements it, on the meta device."""

from __future__ import annotations

from flopbench.transformers_tools import VerifiedOptions
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor import PageVendor
from flopbench_deepseek_ocr.vendor_native import Native


class UnlimitedOcrVendor(PageVendor):
    """Unlimited-OCR as transformers implements it, on the meta device."""

    name = "unlimited_ocr"
    options_type = VerifiedOptions

    @classmethod
    def from_options(
        cls, architecture: Architecture, options: VerifiedOptions
    ) -> UnlimitedOcrVendor:
        return cls(Native(architecture), every_step=options.decode == "every")
