"""The largest tensor of a tower on several images, against what the real one makes in bfloat16."""

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import drawn, model_of, vendor_of, workload_of
from support.largest import default_dtype, made_by

RESIZES = "model.visual"
"""The module that resizes the table of positions, which is said not to be priced."""


@pytest.mark.parametrize("kind", TINY)
@settings(max_examples=1, phases=(Phase.explicit, Phase.generate))
@given(data=st.data())
def test_it_is_the_largest_that_the_real_tower_makes(kind, data):
    tiny = TINY[kind]
    model = model_of(kind, drawn(data, tiny.fields), drawn(data, tiny.settings), tiny.file)
    workload = workload_of(model, (tiny.most, tiny.most), prompt_tokens=2, batch_size=2)
    with default_dtype(torch.bfloat16):
        made = made_by(vendor_of(model).stage("vision", workload).prepare(1))
    largest = next(each for each in made if each[-1] != RESIZES)
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    ours = pricer.stage(model, "vision", workload, Eager()).footprint.largest_tensor
    assert (ours.bytes, f"torch.{ours.dtype}") == (largest[0], str(largest[3]))
