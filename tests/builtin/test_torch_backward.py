"""The backward pass of layers: nothing missed, and the same wherever the weights are."""

import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map_only

import flopbench
from modules.contractions import Contractions
from modules.zoo import LAYERS, run

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of torch's own older layers
    pytest.mark.slow,
]

_NO_BACKWARD = {
    "FractionalMaxPool3d": "torch has no shapes of it",
    "MultiMarginLoss": "torch has no shapes of it",
    "MultiLabelMarginLoss": "torch has no shapes of it",
    "SoftMarginLoss": "its target has no gradient",
}
_KERNELS = {
    "LSTM": "always the gradient of the first state",
    "LSTM deep, two ways": "always the gradient of the first state",
    "LSTM dropout": "always the gradient of the first state",
    "LSTM one sequence": "always the gradient of the first state",
    "MultiheadAttention no weights": "the scores again",
    "TransformerEncoderLayer eval": "the scores again",
}
"""What kernels of a CPU compute in the backward that the program does not ask for."""

_TRAINED = [each for each in LAYERS if not each.refused and each.name not in _NO_BACKWARD]


def named(specimens):
    return [pytest.param(each, id=each.name) for each in specimens]


def made(specimen):
    """Return a specimen and its inputs, with gradients of all that can have one."""
    inputs = specimen.inputs(**specimen.sizes)
    floating = tree_map_only(
        torch.Tensor, lambda t: t.requires_grad_() if _may_have_gradient(t) else t, inputs
    )
    return specimen.make(), floating


def _may_have_gradient(tensor):
    return tensor.is_floating_point() and tensor.is_leaf


def counted(specimen, **options):
    module, inputs = made(specimen)
    return run(
        lambda *args, **kwargs: flopbench.count(module, *args, backward=True, **kwargs, **options),
        inputs,
    )


@pytest.mark.parametrize("specimen", named(_TRAINED))
def test_every_contraction_of_the_backward_is_counted_or_named(specimen):
    module, inputs = made(specimen)
    with Contractions() as listed:
        outputs = [t for t in tree_leaves(run(module, inputs)) if _has_gradient(t)]
        sum(output.sum() for output in outputs).backward()
    result = counted(specimen)
    seen = {each.op for each in (*result.work, *result.uncounted)}
    assert {name for name, _ in listed.found} <= seen
    assert result.differences == ()
    assert counted(specimen.on("cpu")).by_phase == result.by_phase


def _has_gradient(value):
    return isinstance(value, torch.Tensor) and value.requires_grad


@pytest.mark.slow
@pytest.mark.parametrize("specimen", named(_TRAINED))
def test_a_real_backward_has_the_same_count_but_for_kernels_that_do_more(specimen):
    really, on_meta = counted(specimen.on("cpu"), run=True), counted(specimen)
    same = really.by_phase == on_meta.by_phase
    assert same != (specimen.name in _KERNELS)
    assert really.flops >= on_meta.flops
