"""Probabilities of a tower have the type that its own softmax gives them."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import drawn, model_of, vendor_of, workload_of
from support.softmaxes import assert_same

CROSSING = {"donut", "florence2", "nougat", "pix2struct", "trocr", "vision-encoder-decoder"}
"""Types whose decoder is one of this plugin, not one of ``hf/``."""


@pytest.mark.parametrize("kind", TINY)
@settings(max_examples=1, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_types_are_those_that_run(kind, data):
    tiny = TINY[kind]
    model = model_of(kind, drawn(data, tiny.fields), drawn(data, tiny.settings), tiny.file)
    workload = workload_of(model, (tiny.least + 30, tiny.least + 20), prompt_tokens=2)
    for stage in ("vision", "prefill") if kind in CROSSING else ("vision",):
        assert_same(model, vendor_of(model), stage, workload)
