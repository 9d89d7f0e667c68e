"""Laws of towers in the number of cells or tiles, and of the decoders that read them."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench_transformers_vlm.vendor import VlVendor
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import drawn, model_of, workload_of
from support.proofs import proof_of
