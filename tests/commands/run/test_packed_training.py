"""Notes on trained weights that are stored in few bits."""

import json

import pytest

import flopbench
from flopbench.commands.run.packed_training import packed_training
from support.plans import analytic_plan

SMALL = ("hf/llama", "model.overrides.num_hidden_layers=1")


def notes(*overrides, stage="train"):
    return [*packed_training(analytic_plan(*SMALL, *overrides, stages=[stage]))]


@pytest.mark.parametrize("scheme", ["gptq_int4_g128", "nf4", "int8", "mxfp4"])
def test_codes_take_no_gradient(scheme):
    (note,) = notes(f"dtypes.weights={scheme}")
    assert note.startswith(f"weights stored as {scheme} take no gradient: ")
    assert "train.lora" in note


@pytest.mark.parametrize("scheme", ["float8", "fp8_tensor"])
def test_floats_of_8_bits_are_updated_in_few_bits(scheme):
    (note,) = notes(f"dtypes.weights={scheme}")
    assert note.startswith(f"weights stored as {scheme} are updated in few bits")


def test_what_is_not_trained_may_be_stored_in_any_way():
    packed = "dtypes.weights=nf4"
    assert not notes(packed, "train.lora.rank=2")
    assert not notes(packed, "train.frozen=['decoder/attention/*', decoder/mlp]")
    assert not notes(packed, stage="prefill")
    assert not notes()


def test_a_quantised_config_has_a_note_in_its_report(tmp_path):
    path = tmp_path / "config.json"
    sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 1}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100}
    method = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False}
    path.write_text(
        json.dumps({"model_type": "llama", **sizes, **heads, "quantization_config": method})
    )
    report = flopbench.run(
        str(path), workload={"context_tokens": 9}, stages=["train"], analytic_only=True
    )
    assert any("take no gradient" in note for note in report.notes)
