"""Configs: defaults, a config.json, overrides; and what a user may get wrong."""

import json
import os

import pytest

from flopbench.digests import json_digest, to_json
from flopbench.errors import UsageError
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmConfig, LmOptions, read_config, to_transformers
from flopbench_transformers_lm.model_types import causal_lm_types, multimodal_types
from flopbench_transformers_lm.vendor_model import RealModel
from plugins.transformers_lm.lm_helpers import SMALL


def test_the_types_are_those_of_transformers():
    from transformers.models.auto import modeling_auto as auto

    assert set(causal_lm_types()) == set(auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    both = {
        *auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        *auto.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    }
    assert set(multimodal_types()) == both


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
    config = read_config("qwen3_vl", LmOptions(overrides=overrides))
    assert config.get("text_config")["num_hidden_layers"] == 2
    assert config.get("text_config")["hidden_size"] == 4096


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read model.config="),
        ("{", "is not a JSON file"),
        ("[1]", "must hold a JSON object"),
        ('{"model_type": 3}', "model_type must be text, such as 'llama': 3"),
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
            "model.overrides.num_hidden_layers must be an integer, got 'two'",
        ),
    ],
)
def test_an_override_that_is_wrong_is_one_sentence(overrides, message):
    with pytest.raises(UsageError) as caught:
        read_config("llama", LmOptions(overrides=overrides))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_configs_of_the_same_values_are_equal():
    assert LmConfig("llama", {"a": 1}) == LmConfig("llama", {"a": 1})


@pytest.mark.parametrize("overrides", ["5", "null", "{5: 3}"])
def test_overrides_that_are_no_mapping_of_fields_are_one_sentence(flopbench, overrides):
    done = flopbench("run", "hf/llama", f"model.overrides={overrides}")
    assert done.returncode == 2
    assert "error: model.overrides must be a mapping of config fields, got " in done.stderr


@pytest.mark.parametrize("dtype", ["complex64", "auto"])
def test_a_dtype_without_known_bytes_is_told_unless_it_is_replaced(tmp_path, dtype):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", "torch_dtype": dtype, **SMALL["llama"]}))
    model = HfModel.for_name("hf/llama").from_options(LmOptions(config=str(path)))
    assert model.dtype == "bfloat16"
    said = [note for note in model.notes() if "bytes are those of bfloat16" in note]
    assert len(said) == (dtype != "auto")
    replaced = LmOptions(config=str(path), dtype="float16")
    replaced = HfModel.for_name("hf/llama").from_options(replaced)
    assert (replaced.dtype, replaced.notes()) == ("float16", ())
    assert RealModel(model.architecture).module.config.hidden_size == 64


@pytest.mark.parametrize("kind", ["qwen2", "gpt2", "deepseek_v3", "mamba2", "gemma3_text"])
def test_the_fields_of_a_report_are_a_config_that_gives_the_same_model(tmp_path, kind):
    config = read_config(kind, LmOptions(overrides={"num_hidden_layers": 3}))
    fields = to_json(config)
    assert fields["values"]["num_hidden_layers"] == 3
    path = tmp_path / "config.json"
    path.write_text(json.dumps(fields["values"], allow_nan=False))
    again = read_config(kind, LmOptions(config=str(path)))
    assert again == config
    assert json_digest(to_json(again)) == json_digest(fields)


@pytest.mark.slow
def test_a_run_can_be_repeated_from_its_report(flopbench, tmp_path):
    options = ("--analytic-only", "--stages", "prefill", "--format", "json")
    setting = "model.overrides.intermediate_size=77"
    first = json.loads(flopbench("run", "hf/qwen2", setting, *options).stdout)
    fields = first["provenance"]["architecture"]["fields"]
    (tmp_path / "again.json").write_text(json.dumps(fields["values"]))
    again = json.loads(flopbench("run", "hf/qwen2", "model.config=again.json", *options).stdout)
    assert again["series"] == first["series"]
    assert again["provenance"]["architecture"] == first["provenance"]["architecture"]
    other = json.loads(flopbench("run", "hf/qwen2", *options).stdout)
    assert other["provenance"]["architecture"] != first["provenance"]["architecture"]


def test_a_config_that_never_ends_is_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (str(tmp_path / "fifo"), "/dev/zero"):
        with pytest.raises(UsageError, match=r"cannot read model.config=.*: it is not a regular"):
            read_config("llama", LmOptions(config=path))


def test_a_file_that_json_reads_may_be_nested_too_deeply_to_be_a_config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama", "mine": ' + "[" * 900 + "]" * 900 + "}")
    with pytest.raises(UsageError, match=r"model\.config=.* is nested too deeply"):
        read_config("llama", LmOptions(config=str(path)))
