"""Training on pages by closed forms and by the real model: equal in every component and pass."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flopbench.vendor.transformers import VerifiedOptions
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_unlimited_ocr.analytic import UnlimitedOcr
from flopbench_unlimited_ocr.vendor import UnlimitedOcrVendor
from support.deepseek_strategies import architectures, workloads
from support.training import passes
from support.trainings import analytic, trainings

some = settings(
    max_examples=2,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def require_equal(data, model, vendor):
    workload = data.draw(workloads())
    ops = [op for stage in ("vision", "prefill") for op in model.ops(stage, workload)]
    options = data.draw(trainings(ops, recompute=("none", "full")))
    both = {"vision": workload, "prefill": workload}
    assert analytic(model, workload, options) == passes(vendor, both, options)


@some
@given(architectures(), st.data())
def test_any_training_of_deepseek_ocr_is_exact(architecture, data):
    vendor = DeepseekOcrVendor.from_options(architecture, VendorOptions())
    require_equal(data, DeepseekOcr(architecture), vendor)


@pytest.mark.slow
@settings(some, max_examples=40)
@given(architectures(), st.data())
def test_any_training_of_a_neighbour_is_exact(architecture, data):
    vendor = UnlimitedOcrVendor.from_options(architecture, VerifiedOptions())
    require_equal(data, UnlimitedOcr(architecture), vendor)
