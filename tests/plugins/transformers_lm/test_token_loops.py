"""Prefills of models that loop over tokens, from shorter ones, against those counted in full."""

import warnings

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopbench.laws.by_length import count_by_length
from flopbench.vendor.counting import count_stage
from flopbench_transformers_lm.config import to_transformers
from flopbench_transformers_lm.token_loops import lengths
from flopbench_transformers_lm.vendor import HfOptions, HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, small_model
from plugins.transformers_lm.recurrent_configs import RECURRENT, recurrent_config, recurrent_model
from plugins.transformers_lm.tiny_configs import few

LOOPS = ("mamba", "falcon_mamba", "jamba", "zamba", "rwkv", "recurrent_gemma")
TOKENS = 151


def vendor(model_type, tokens=None):
    return HfVendor.from_options(recurrent_config(model_type), HfOptions(tokens=tokens))


@pytest.mark.parametrize("model_type", few(LOOPS, {"falcon_mamba"}))
def test_a_loop_over_tokens_is_counted_by_short_prefills(model_type, monkeypatch):
    workload = Workload(batch_size=2, context_tokens=TOKENS)
    full = count_by_length(COUNTER, vendor(model_type, "every").stage("prefill", workload))
    assert full == count_stage(COUNTER, vendor(model_type).stage("prefill", workload))
    called, call = [], RealModel._call
    monkeypatch.setattr(
        RealModel,
        "_call",
        lambda real, inputs, last: called.append(last) or call(real, inputs, last),
    )
    found = count_by_length(COUNTER, vendor(model_type).stage("prefill", workload))
    assert max(called) < TOKENS // 4
    assert sorted(found.count.counted, key=str) == sorted(
        (entry for entry in full.count.counted if entry.flops), key=str
    )
    assert found.count.flops == full.count.flops > 0
    assert "a loop over tokens: prefills of 6, 7, 8, " in " ".join(found.assumptions)
    assert not full.assumptions


@pytest.mark.parametrize("model_type", sorted({*RECURRENT} - {*LOOPS, "xlstm"}))
def test_what_works_in_chunks_or_at_once_does_not_loop(model_type):
    assert lengths(recurrent_model(model_type), 1000) is None


def test_shorter_prefills_have_as_many_tokens_beyond_whole_chunks():
    """xLSTM's chunks are 64 tokens, and what is left goes token by token."""
    found = lengths(recurrent_model("xlstm"), 1000)
    assert (found.first, found.stride) == (65, 64)


def test_keys_and_values_alone_are_not_even_tried(monkeypatch):
    model = small_model("gemma2")
    assert model.keeps_keys_alone
    monkeypatch.setattr(RealModel, "prefill", None)
    assert lengths(model, 1000) is None


@pytest.mark.parametrize("model_type", few(RECURRENT, {"recurrent_gemma"}))
def test_recurrent_stages_are_what_generate_runs(model_type):
    """RecurrentGemma has its states in its modules, and fills the cache that it is given.

    Both are counted by torch's formulas alone, which has none for a delta rule's triangular solves.
    """
    import transformers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = transformers.AutoModelForCausalLM.from_config(
            to_transformers(recurrent_config(model_type)),
            attn_implementation="eager",
            experts_implementation="batched_mm",
        ).eval()
        ids = torch.full((2, 7), 3)
        with FlopCounterMode(display=False) as mode, torch.no_grad():
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=6,
                min_new_tokens=6,
                do_sample=False,
            )
    assert out.shape == (2, 13)
    workload = Workload(batch_size=2, context_tokens=7, decode_steps=5, lm_head="last")
    stages = [vendor(model_type).stage(stage, workload) for stage in ("prefill", "decode")]
    alone = COUNTER.without_own_formulas()
    counted = sum(count_stage(alone, stage).count.flops for stage in stages)
    assert counted == mode.get_total_flops() > 0
