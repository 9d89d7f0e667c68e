"""What is advised if transformers cannot build or run a model: more values, or other ones."""

import json

import pytest

from flopbench.errors import CountError
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.failures import cannot_build
from flopbench_transformers_lm.given_values import given_values
from flopbench_transformers_lm.vendor_model import RealModel

WRONG = [
    ("mamba2", {"chunk_size": 0}, "chunk_size=0"),
    ("mamba2", {"n_groups": 3}, "n_groups=3"),
    ("llama", {"hidden_act": "foo", "vocab_size": 9}, "hidden_act=foo or vocab_size=9"),
    ("gpt2", {"activation_function": "foo"}, "activation_function=foo"),
    ("gemma3", {"text_config": {"hidden_activation": "foo"}}, "hidden_activation=foo"),
]


def failure(kind, options):
    real = RealModel(read_config(kind, options))
    with pytest.raises(CountError) as caught:
        real.prefill(2, 9)()
    return str(caught.value)


@pytest.mark.parametrize(("kind", "fields", "named"), WRONG)
def test_values_that_were_given_are_named_with_what_fails(tmp_path, kind, fields, named):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, **fields}))
    for options in (LmOptions(overrides=fields), LmOptions(config=str(tmp_path))):
        told = failure(kind, options)
        assert told.endswith(f"; a value that was given may be wrong: {named}")
        assert "\n" not in told


@pytest.mark.parametrize("kind", ["blt", "gemma4_unified_assistant"])
def test_a_file_is_advised_if_nothing_was_given(kind):
    told = failure(kind, LmOptions())
    assert told.endswith(
        "give the config.json of a checkpoint (model.config), or set the field with model.overrides"
    )
    assert "may be wrong" not in told


def test_four_values_are_named_at_most_those_in_doubt_first():
    sizes = {"vocab_size": 9, "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 3}
    fields = {**sizes, "num_key_value_heads": 0, "head_dim": 8}
    config = read_config("llama", LmOptions(overrides=fields))
    assert given_values(config) == fields
    told = str(cannot_build(config, ValueError("bad head_dim")))
    assert told.endswith(
        "wrong: head_dim=8, num_key_value_heads=0, vocab_size=9, hidden_size=64 or 2 more"
    )


def test_fields_within_a_part_are_given_by_their_place():
    fields = {"text_config": {"rope_parameters": {"rope_theta": 7.0}}}
    config = read_config("qwen3_vl", LmOptions(overrides=fields))
    assert given_values(config)["text_config.rope_parameters.rope_theta"] == 7.0
    assert given_values(read_config("qwen3_vl", LmOptions())) == {}
