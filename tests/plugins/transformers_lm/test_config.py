"""Configs: defaults, a config.json, overrides; and what a user may get wrong."""

import json
import os

import pytest

from flopbench.errors import UsageError
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config, to_transformers
from flopbench_transformers_lm.model_types import causal_lm_types, model_type


def test_the_types_are_those_of_transformers():
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert set(causal_lm_types()) == set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def test_defaults_are_those_of_the_config_class_under_usual_names_too():
    from transformers import GPT2Config

    config = read_config("gpt2", LmOptions())
    assert config.get("hidden_size") == config.get("n_embd") == GPT2Config().n_embd
    assert config.get("num_hidden_layers") == GPT2Config().n_layer
    assert config.get("no_such_field", 7) == 7


def test_a_config_goes_to_transformers_and_back():
    config = read_config("gpt2", LmOptions(overrides={"num_hidden_layers": 3, "n_head": 6}))
    again = to_transformers(config)
    assert (again.n_layer, again.num_attention_heads) == (3, 6)
    values = {field: value for field, value in config.values.items() if field != "model_type"}
    assert read_config("gpt2", LmOptions(overrides=values)) == config


def test_a_config_json_with_overrides(tmp_path):
    path = tmp_path / "config.json"
    values = {"model_type": "llama", "hidden_size": 96, "num_attention_heads": 3, "auto_map": {}}
    path.write_text(json.dumps(values))
    config = read_config("llama", LmOptions(config=str(path), overrides={"hidden_size": 192}))
    assert (config.get("hidden_size"), config.get("num_attention_heads")) == (192, 3)
    assert config.get("head_dim") == 64
    assert "auto_map" not in config.values


def test_overrides_reach_into_sub_configs():
    overrides = {"text_config": {"num_hidden_layers": 2}}
    config = read_config("gemma3", LmOptions(overrides=overrides))
    assert config.get("text_config")["num_hidden_layers"] == 2
    assert config.get("text_config")["hidden_size"] == 2304


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read model.config="),
        ("{", "is not a JSON file"),
        ("[1]", "must hold a JSON object"),
        ("{}", "lacks the field model_type, such as 'llama'"),
        ('{"model_type": 3}', "lacks the field model_type"),
        ('{"model_type": "mistral"}', "is of model type 'mistral', not 'llama': run hf/mistral"),
        (
            '{"model_type": "llama", "num_hidden_layers": "two"}',
            "transformers cannot build a llama config from model.config=",
        ),
        (
            '{"model_type": "llama", "hidden_size": 100, "num_attention_heads": 3}',
            "transformers cannot build a llama config from model.config=",
        ),
    ],
)
def test_a_config_json_that_is_wrong_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_config("llama", LmOptions(config=str(path)))
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hiden_size": 8}, "unknown field of llama 'hiden_size': did you mean 'hidden_size'?"),
        ({"model_type": "qwen2"}, "unknown field of llama 'model_type'"),
        (
            {"num_hidden_layers": "two"},
            "from the defaults of llama with model.overrides: Validation error for field 'num_hi",
        ),
    ],
)
def test_an_override_that_is_wrong_is_one_sentence(overrides, message):
    with pytest.raises(UsageError) as caught:
        read_config("llama", LmOptions(overrides=overrides))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf/llma", "no causal language model 'hf/llma': did you mean 'hf/llama'?"),
        ("hf/", "no causal language model 'hf/': "),
        ("hf/*", "no causal language model 'hf/*': "),
        ("hf/vit", "no causal language model 'hf/vit': "),
    ],
)
def test_an_unknown_type_names_the_nearest(name, message):
    with pytest.raises(UsageError) as caught:
        model_type(name)
    assert message in str(caught.value)


def test_two_configs_of_the_same_values_are_equal():
    assert LmConfig("llama", {"a": 1}) == LmConfig("llama", {"a": 1})


def read_file(tmp_path, kind, **values):
    path = tmp_path / "config.json"
    overrides = values.pop("overrides", {})
    path.write_text(json.dumps({"model_type": kind, **values}))
    return read_config(kind, LmOptions(config=str(path), overrides=overrides))


def test_a_misspelt_field_of_a_config_json_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="unknown field of llama 'hidden_sizes': did you mean 'h"):
        read_file(tmp_path, "llama", hidden_sizes=128)


def test_what_a_config_json_holds_besides_is_let_pass(tmp_path):
    others = {"torch_dtype": "float16", "_name_or_path": "x", "quantization_config": {"bits": 4}}
    assert read_file(tmp_path, "llama", **others).get("hidden_size") == 4096
    # An older name that transformers knows; and a field whose neighbour is given, too.
    assert read_file(tmp_path, "bloom", n_embed=128).get("hidden_size") == 128
    said = {"hidden_sizes": 128, "overrides": {"hidden_size": 64}}
    assert read_file(tmp_path, "llama", **said).get("hidden_size") == 64


@pytest.mark.parametrize("overrides", ["5", "null", "{5: 3}"])
def test_overrides_that_are_no_mapping_of_fields_are_one_sentence(flopbench, overrides):
    done = flopbench("run", "hf/llama", f"model.overrides={overrides}")
    assert done.returncode == 2
    assert "error: model.overrides must be a mapping of config fields, got " in done.stderr


def test_a_dtype_without_known_bytes_is_refused_unless_it_is_replaced(flopbench, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", "dtype": "float8_e4m3fn"}))
    command = ("explain", "hf/llama", f"model.config={path}")
    done = flopbench(*command)
    assert done.returncode == 2
    assert "the config's dtype must be one of bfloat16, float16, float32, float64" in done.stderr
    assert flopbench(*command, "model.dtype=float16").returncode == 0


def test_a_config_that_never_ends_is_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (str(tmp_path / "fifo"), "/dev/zero"):
        with pytest.raises(UsageError, match=r"cannot read model.config=.*: it is not a regular"):
            read_config("llama", LmOptions(config=path))
