"""Exported functions in the place of other projects' formulas, in interfaces of our own."""

from fractions import Fraction

import pytest

from flopbench.analytic.trained import TrainedModel
from flopbench.training_step import TrainOptions
from flopbench_transformers_lm.analytic import HfModel
from plugins.transformers_lm.tiny_configs import tiny
from support.exported import exported, module_of, plan_of
from support.stages import price_stage

BATCH, TOKENS, STEPS = 6, 40, 7


@pytest.fixture(scope="module")
def model():
    return TrainedModel(HfModel(tiny("gpt2")), TrainOptions())


@pytest.fixture(scope="module")
def laws(model):
    workload = model.workload(model.inputs_type(context_tokens=23, decode_steps=9))
    stages = ("prefill", "decode", "train_forward", "train_backward", "train")
    return module_of(exported(plan_of(model, workload, stages=stages)))


def priced(model, *stages, **sizes):
    inputs = {"batch_size": BATCH, "context_tokens": TOKENS, "decode_steps": STEPS, **sizes}
    workload = model.workload(model.inputs_type(**inputs))
    return sum(price_stage(model, stage, workload).torch_visible_flops for stage in stages)


PASSES = ("train_forward", "train_backward")


def test_nanogpt_estimate_mfu(laws, model):
    class GPT:
        def estimate_mfu(self, fwdbwd_per_iter, dt):
            return laws.flops_train(fwdbwd_per_iter, TOKENS) / dt / 312e12

    mfu = GPT().estimate_mfu(fwdbwd_per_iter=BATCH, dt=0.5)
    assert mfu == priced(model, *PASSES) / 0.5 / 312e12


def test_torchtitan_flops_per_token(laws, model):
    def num_flops_per_token(seq_len):
        return Fraction(laws.flops_train(1, seq_len), seq_len)

    assert num_flops_per_token(TOKENS) * BATCH * TOKENS == priced(model, *PASSES)


def test_vllm_estimate_per_request(laws, model):
    def request_flops(prompt_tokens, output_tokens):
        return laws.flops_prefill(1, prompt_tokens) + laws.flops_decode(
            1, prompt_tokens, output_tokens - 1
        )

    wanted = priced(model, "prefill", "decode", batch_size=1)
    assert request_flops(TOKENS, STEPS + 1) == wanted
