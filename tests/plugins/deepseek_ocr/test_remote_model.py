"""A model from a folder's code: parameters without memory, buffers that keep their values."""

import json

import pytest
import torch
from torch import nn

from flopbench import UsageError
from flopbench_deepseek_ocr.remote_model import (
    parameters_without_memory,
    require_own_code,
    with_zeros,
)


class Tables(nn.Module):
    """Buffers of several kinds, beside parameters made in several ways."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 3)
        self.scale = nn.Parameter(torch.randn(4) * 2)
        self.parts = nn.ParameterList([torch.ones(2), torch.ones(3)])
        self.register_buffer("indices", torch.arange(7).expand(2, -1))
        self.register_buffer("angles", 10.0 ** -torch.arange(3), persistent=False)
        self.register_buffer("mask", torch.ones(3, 3, dtype=torch.bool).tril())
        self.register_buffer("nothing", None)
        self.register_buffer("of_weights", self.linear.weight.detach() + 1)
        self.register_parameter("absent", None)
        self.again = nn.Module()
        self.again.register_buffer("indices", self.indices)


def built():
    with parameters_without_memory():
        return Tables()


def test_parameters_have_no_memory_and_buffers_have_their_values():
    model = built()
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert all(p.requires_grad for p in model.parameters())
    assert model.absent is None
    assert model.indices.tolist() == [list(range(7))] * 2


def test_moved_to_the_cpu_parameters_are_zeros_and_buffers_as_made():
    wanted = Tables()
    model = with_zeros(built().to(torch.bfloat16))
    assert [tuple(p.shape) for p in model.parameters()] == [
        tuple(p.shape) for p in wanted.parameters()
    ]
    for name, parameter in model.named_parameters():
        assert (parameter.dtype, parameter.device.type) == (torch.bfloat16, "cpu"), name
        assert not parameter.any(), name
    for name in ("indices", "again.indices", "mask"):
        assert torch.equal(model.get_buffer(name), wanted.get_buffer(name)), name
    assert torch.equal(model.angles, wanted.angles.to(torch.bfloat16))
    assert not model.of_weights.any()  # computed from weights, which have no values


def test_modules_made_later_have_memory():
    built()
    assert nn.Linear(2, 2).weight.device.type == "cpu"
    with pytest.raises(ZeroDivisionError), parameters_without_memory():
        nn.Linear(2, 1 // 0)
    assert nn.Linear(2, 2).weight.device.type == "cpu"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"auto_map": {"AutoModel": "else/where--m.Model"}}, "must name a module in the folder"),
        ({"auto_map": ["m.Model"]}, "auto_map must name the folder's own classes"),
        ({}, "auto_map must name the folder's own classes"),
    ],
)
def test_code_from_elsewhere_is_refused(tmp_path, fields, message):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(fields))
    with pytest.raises(UsageError, match=message):
        require_own_code(config)


def test_a_folder_with_its_own_code_is_taken(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auto_map": {"AutoModel": "m.Model", "AutoTokenizer": [None]}}))
    require_own_code(config)
