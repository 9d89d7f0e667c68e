"""The specimens of the zoo: each works without flopbench, and no layer of torch.nn is missing."""

import inspect

import pytest
import torch
from torch import nn

from modules.zoo import DIFFUSERS, LAYERS, SPECIMENS, TRANSFORMERS

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries whose modules these are

_NOT_LAYERS = {
    "Module": "abstract",
    "RNNBase": "abstract",
    "RNNCellBase": "abstract",
    "Container": "an old name of Module",
    "ModuleDict": "holds modules, and computes nothing",
    "ParameterDict": "holds parameters, and computes nothing",
    "ParameterList": "holds parameters, and computes nothing",
    "NLLLoss2d": "an old name of NLLLoss",
    "DataParallel": "runs on several GPUs",
}


def named(specimens):
    return [pytest.param(each, id=each.name) for each in specimens]


@pytest.mark.parametrize("specimen", named(s for s in SPECIMENS if not s.refused))
def test_a_specimen_runs(specimen):
    with torch.no_grad():
        assert specimen.call() is not None


@pytest.mark.parametrize("specimen", named(s for s in SPECIMENS if s.refused))
def test_a_refused_specimen_runs_with_values_only(specimen):
    with torch.no_grad(), pytest.raises((RuntimeError, NotImplementedError)):
        specimen.on("meta").call()
    with torch.no_grad():
        assert specimen.on("cpu").call() is not None


@pytest.mark.parametrize("specimen", named(s for s in LAYERS if not s.refused))
def test_inputs_have_the_sizes_that_are_asked_for(specimen):
    for name, size in specimen.sizes.items():
        shapes = [_shapes(specimen.inputs(**{**specimen.sizes, name: n})) for n in (size, size + 2)]
        assert shapes[0] != shapes[1]


def _shapes(inputs):
    flat, _ = torch.utils._pytree.tree_flatten(inputs)
    return [each.shape for each in flat if isinstance(each, torch.Tensor)]


def test_every_layer_of_torch_is_in_the_zoo():
    classes = {
        name
        for name, kind in inspect.getmembers(nn, inspect.isclass)
        if issubclass(kind, nn.Module)
    }
    found = {type(part).__name__ for each in LAYERS for part in each.make().modules()}
    found |= {"ModuleList", "Sequential"}
    assert classes - found == set(_NOT_LAYERS)


def test_specimens_have_names_and_sizes_of_their_own():
    assert len({each.name for each in SPECIMENS}) == len(SPECIMENS)
    for each in SPECIMENS:
        assert len(set(each.sizes.values())) == len(each.sizes)
        assert all(size >= 2 for size in each.sizes.values())


def test_the_zoo_is_large():
    assert len({s.name for s in TRANSFORMERS}) >= 60
    assert len(DIFFUSERS) >= 10
    assert sum(len(s.sizes) >= 2 for s in SPECIMENS) > len(SPECIMENS) / 2
