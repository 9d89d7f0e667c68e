"""How many weights are trained: by closed forms, and of the real model those with gradients."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.analytic.step_memory import step_memory
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.training_step import LoraOptions, TrainOptions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.families import FAMILIES
from flopbench_transformers_lm.families.moe import MOE
from flopbench_transformers_lm.vendor_training import TrainedModel as RealTrainedModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.family_strategies import TYPES, configs
from plugins.transformers_lm.test_moe import configs as moe_configs
from plugins.transformers_lm.tiny_configs import few, one_per_family, tiny
from support.trainings import trainings

WORKLOAD = Workload(batch_size=1, context_tokens=3)
FEW = ("gpt2", "opt", "llama")
SPARSE = ("deepseek_v3", "ernie4_5_moe", "minimax_m2", "mixtral")
some = settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def by_forms(config, options):
    model = TrainedModel(HfModel(config), options)
    return step_memory(model, WORKLOAD, Pricer(Eager(), Conventions()), Eager()).trained


def of_module(config, options):
    weights = RealTrainedModel(config=config, options=options).module.parameters()
    return sum(weight.numel() for weight in weights if weight.requires_grad)


@pytest.mark.parametrize(
    ("patterns", "trained"),
    [
        (("lm_head",), 85_842_432),
        (("decoder/embed",), 85_056_000),
        (("lm_head", "decoder/norm"), 85_804_032),
    ],
)
def test_freezing_a_tied_head_leaves_learned_positions(patterns, trained):
    """Parameters of GPT-2 (124,439,808) less 50,257 x 768 of tokens, 1,024 x 768 of positions."""
    config = read_config("gpt2", LmOptions())
    assert by_forms(config, TrainOptions(frozen=patterns)) == trained


def require_equal(data, config):
    options = data.draw(trainings([*HfModel(config).ops("prefill", WORKLOAD)], ("none",)))
    assert by_forms(config, options) == of_module(config, options)


@pytest.mark.parametrize("kind", few(sorted({*TYPES} & {*one_per_family(), *FEW}), FEW))
@some
@given(data=st.data())
def test_of_any_dense_model(kind, data):
    require_equal(data, data.draw(configs(kind)))


@pytest.mark.parametrize("kind", few(sorted({*MOE} & {*one_per_family(), *SPARSE}), SPARSE))
@some
@given(data=st.data())
def test_of_any_model_with_experts(kind, data):
    require_equal(data, data.draw(moe_configs(kind)))


IDLE = {"zamba2": 2 * (3 * 402 + 246)}
"""Weights that LoRA gives to what no pass runs, by type.

Zamba 2's layers that share a block hold each other's adapters, each of two products, which LoRA
adapts, too: here those of queries, keys and values and those of the MLP, in two layers.
"""


@pytest.mark.parametrize("kind", few(sorted(FAMILIES), one_per_family()))
def test_of_every_type(kind):
    config = tiny(kind)
    for options in (
        TrainOptions(),
        TrainOptions(frozen=("lm_head",)),
        TrainOptions(lora=LoraOptions(rank=3, targets=("*",))),
    ):
        idle = IDLE.get(kind, 0) if options.lora else 0
        assert by_forms(config, options) + idle == of_module(config, options)
