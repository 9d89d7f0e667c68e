"""Types that ask for values of meta tensors, against the same classes with weights."""

import warnings

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flopbench.errors import CountError
from flopbench.vendor import VendorCall
from flopbench_transformers_lm.config import LmOptions, read_config, to_transformers
from flopbench_transformers_lm.failures import cannot_run
from flopbench_transformers_lm.meta_values import ASSUMED
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER, small_config

_SMALL = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}

ASKING = {
    "dbrx": {
        "vocab_size": 64,
        "d_model": 32,
        "n_heads": 4,
        "n_layers": 2,
        "max_seq_len": 64,
        "attn_config": {"kv_n_heads": 2, "rope_theta": 500000.0, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 24, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "jetmoe": {
        **_SMALL,
        "num_key_value_heads": 2,
        "kv_channels": 8,
        "intermediate_size": 24,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
    },
    "xmod": {**_SMALL, "is_decoder": True, "default_language": "b", "languages": ["a", "b"]},
}


def config(model_type):
    return read_config(model_type, LmOptions(overrides=ASKING[model_type]))


@pytest.mark.parametrize("model_type", ASKING)
def test_a_prefill_costs_what_it_does_with_weights(model_type):
    """Whichever expert a token chooses, and whichever language it is in."""
    import transformers

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = (
            transformers.AutoModelForCausalLM.from_config(
                to_transformers(config(model_type)), attn_implementation="eager"
            )
            .eval()
            .requires_grad_(requires_grad=False)
        )
        with FlopCounterMode(display=False) as mode, torch.no_grad():
            model(torch.randint(2, 60, (3, 7)))
    real = RealModel(config(model_type))
    counted = COUNTER.count(VendorCall(real.module, real.prefill(3, 7)))
    assert counted.flops == mode.get_total_flops() > 0
    assert not counted.uncounted
    assert COUNTER.count(VendorCall(real.module, real.decode(3, 7))).flops > 0


@pytest.mark.parametrize("stage", ["prefill", "decode"])
def test_answers_are_an_assumption_of_the_report(stage):
    workload = Workload(context_tokens=4, decode_steps=1)
    assert ASSUMED in HfVendor(config("jetmoe")).stage(stage, workload).assumptions
    assert ASSUMED not in HfVendor(small_config("llama")).stage(stage, workload).assumptions


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("You have to specify `pixel_values`"), "on tokens alone: ValueError: You have"),
        (NotImplementedError("Cannot copy out of meta tensor"), "depends on values of tensors"),
        (TypeError("NoneType is not iterable\nand more"), "give the config.json of a checkpoint"),
    ],
)
def test_what_cannot_run_is_told_in_one_sentence(error, told):
    found = cannot_run(read_config("llama", LmOptions()), error)
    assert isinstance(found, CountError)
    assert str(found).startswith("transformers cannot run llama on ")
    assert told in str(found)
    assert "\n" not in str(found)


def test_parameters_that_a_class_makes_on_the_cpu_are_moved_to_meta():
    """XLNet makes its own with torch.FloatTensor."""
    sizes = {"vocab_size": 64, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48}
    real = RealModel(read_config("xlnet", LmOptions(overrides=sizes)))
    assert all(weight.is_meta for weight in real.module.parameters())
    assert COUNTER.count(VendorCall(real.module, real.prefill(2, 9))).flops > 0


def test_a_class_for_a_part_of_its_types_config_gets_that_part():
    """MusicGen's decoder reads several codebooks at each position, a row of ids for each."""
    real = RealModel(read_config("musicgen", LmOptions()))
    assert type(real.module.config).__name__ == "MusicgenDecoderConfig"
    codebooks = real.module.config.num_codebooks
    assert real._inputs(2, 5, 0, all_logits=True)["input_ids"].shape == (2 * codebooks, 5)
