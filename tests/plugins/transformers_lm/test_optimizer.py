"""The optimizer's step: PyTorch's own on real models' weights, against the closed forms."""

from collections import Counter

import pytest

from flopbench import CountError
from flopbench.analytic.price import Pricer
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.conventions import Conventions
from flopbench.training_step import OPTIMIZER, LoraOptions, TrainOptions
from flopbench.vendor.attribution import attribute
from flopbench.vendor.counting import count_stage
from flopbench.vendor.stepped import EXPERTS
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.vendor import HfVendor
from plugins.transformers_lm.tiny_configs import few, tiny
from support.training_toys import matrix

FAST = ("deepseek_v3", "gpt2", "gpt_oss", "llama", "mixtral", "qwen3_moe")


def both(kind, **train):
    """Return the matrix FLOPs of an optimizer's step by component, on both sides, and notes."""
    options, config = TrainOptions(**train), tiny(kind)
    model, vendor = HfModel(config), HfVendor(config)
    workload = model.workload(model.inputs_type(batch_size=1, context_tokens=3))
    stage = vendor.optimizer({"prefill": workload}, options)
    counted = attribute(count_stage(TorchCounter(), stage), vendor.component_of)
    found = Counter()
    for entry in counted.entries:
        found[entry.component] += entry.flops
    priced = Pricer(Eager(), Conventions()).price(
        TrainedModel(model, options).ops(OPTIMIZER, workload), Eager()
    )
    assert not counted.uncounted
    return +found, matrix(priced), counted.assumptions


@pytest.mark.parametrize("kind", few(FAMILIES, FAST))
def test_muon_is_equal_in_every_component(kind):
    found, priced, _ = both(kind, optimizer="muon")
    assert found == priced
    assert {"decoder/attention/qkv", "decoder/recurrence/in"} & found.keys()


@pytest.mark.parametrize(
    "train",
    [
        {"frozen": ("decoder/moe/*",)},
        {"frozen": ("decoder/attention/q*",)},
        {"lora": LoraOptions(rank=2, targets=("q", "v"))},
    ],
    ids=str,
)
def test_muon_steps_what_is_trained(train):
    found, priced, _ = both("mixtral", optimizer="muon", **train)
    assert found == priced
    assert found != both("mixtral", optimizer="muon")[0]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_other_optimizers_multiply_nothing(optimizer):
    found, priced, _ = both("mixtral", optimizer=optimizer)
    assert found == priced == {}


def test_nothing_trained_is_no_step():
    assert both("llama", optimizer="muon", frozen=("*",))[:2] == ({}, {})


def test_experts_in_one_parameter_are_told():
    assert EXPERTS in both("mixtral", optimizer="muon")[2]
    assert EXPERTS not in both("llama", optimizer="muon")[2]


def test_a_torch_without_muon_is_told(monkeypatch):
    import torch

    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(CountError, match=r"has no Muon: 2\.9 and later have it"):
        both("llama", optimizer="muon")
