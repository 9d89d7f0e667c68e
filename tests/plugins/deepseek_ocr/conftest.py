"""DeepSeek-OCR on both sides, for all tests of the plugin."""

import pytest

from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions


@pytest.fixture(scope="session")
def model():
    """The closed forms of the published model."""
    return DeepseekOcr()


@pytest.fixture(scope="session")
def vendor():
    """The real published model on the meta device, built once."""
    return DeepseekOcrVendor.from_options(Architecture(), VendorOptions())
