"""The count of a layer does not depend on where its weights are, nor on whether it runs."""

import pytest
import torch

import flopbench
from modules.zoo import LAYERS, run

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of torch's own older layers
    pytest.mark.slow,
]

_COUNTED = [pytest.param(each, id=each.name) for each in LAYERS if not each.refused]


def counted(specimen, **options):
    made, inputs = specimen.make(), specimen.inputs(**specimen.sizes)
    with torch.no_grad():
        return run(
            lambda *args, **kwargs: flopbench.count(made, *args, **kwargs, **options), inputs
        )


@pytest.mark.parametrize("specimen", _COUNTED)
def test_a_layer_with_real_weights_has_the_count_of_one_on_meta(specimen):
    here, there = counted(specimen.on("cpu")), counted(specimen.on("meta"))
    assert (here.flops, here.by_module, here.by_op) == (there.flops, there.by_module, there.by_op)
    assert here.vector_flops == there.vector_flops
    assert here.uncounted == there.uncounted
    assert here.differences == there.differences == ()


@pytest.mark.parametrize("specimen", _COUNTED)
def test_a_real_run_has_the_same_count(specimen):
    assert counted(specimen.on("cpu"), run=True).flops == counted(specimen).flops
