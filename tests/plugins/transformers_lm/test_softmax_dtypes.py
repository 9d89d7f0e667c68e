"""Probabilities have the type that each type's own softmax gives them, in a model of bfloat16."""

import pytest

from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import few, tiny
from support.softmaxes import assert_same, priced

WORKLOAD = Workload(batch_size=2, context_tokens=7, decode_steps=1)
FAST = ("biogpt", "falcon", "gpt2", "gpt_bigcode", "gpt_oss", "llama", "llama4_text")
COLUMNS = {"granite_swa", "granitemoe_swa"}
"""Types whose sinks are a factor of the outputs, not a column of the probabilities."""


@pytest.mark.parametrize("model_type", few(sorted({*FAMILIES} - COLUMNS), FAST))
def test_types_are_those_that_run(model_type):
    config = tiny(model_type)
    model, vendor = HfModel(config), HfVendor(config)
    if priced(model, "prefill", WORKLOAD):  # some have no attention
        assert_same(model, vendor, "prefill", WORKLOAD)
