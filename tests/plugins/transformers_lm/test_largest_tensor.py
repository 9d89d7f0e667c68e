"""The largest tensor of a stage, against what the real model makes in bfloat16 and float32."""

import pytest
import torch

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import small_config
from support.largest import default_dtype, made_by

QWEN3 = {
    "vocab_size": 37,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 22,
}


def config_of(model_type):
    if model_type != "qwen3":
        return small_config(model_type)
    from flopbench_transformers_lm.config import LmOptions, read_config

    return read_config(model_type, LmOptions(overrides=QWEN3))


def both(model_type, stage, tokens, dtype=torch.bfloat16):
    """Return the largest tensor of the closed forms, and that of the real call."""
    config = config_of(model_type)
    workload = Workload(batch_size=2, context_tokens=tokens, decode_steps=3)
    with default_dtype(dtype):
        calls = HfVendor(config).stage(stage, workload)
        real = made_by(calls.prepare(int(calls.steps)))[0]
    pricer = Pricer(Eager(), Conventions(), str(dtype).removeprefix("torch."))
    priced = pricer.stage(HfModel(config), stage, workload, Eager())
    return priced.footprint.largest_tensor, real


def agree(ours, real):
    return (ours.bytes, torch.Size(ours.shape).numel()) == real[:2] and ours.dtype == str(
        real[3]
    ).removeprefix("torch.")


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "gemma2", "deepseek_v3"])
@pytest.mark.parametrize(
    ("stage", "tokens", "names"),
    [
        ("prefill", 150, {"attention probabilities"}),
        ("decode", 150, {"keys of all heads", "linear"}),  # latent keys: their expansion
    ],
)
def test_it_is_the_largest_that_the_real_model_makes(model_type, stage, tokens, names):
    ours, real = both(model_type, stage, tokens)
    assert agree(ours, real)
    assert ours.name in names


@pytest.mark.parametrize(
    ("model_type", "name"), [("llama", "rms_norm"), ("gpt2", "linear"), ("qwen3", "rms_norm")]
)
def test_of_a_short_prompt_it_is_another(model_type, name):
    ours, real = both(model_type, "prefill", 3)
    assert agree(ours, real)
    assert ours.name == name


def test_rows_of_experts():
    ours, real = both("mixtral", "prefill", 5, torch.float32)
    assert agree(ours, real)
    assert ours.component == "decoder/moe/experts"


@pytest.mark.parametrize("model_type", ["gpt2", "gpt_oss"])
@pytest.mark.parametrize("stage", ["prefill", "decode"])
def test_of_types_whose_softmax_keeps_the_type_of_the_scores(model_type, stage):
    ours, real = both(model_type, stage, 150)
    assert agree(ours, real)
    assert ours.dtype == "bfloat16"
