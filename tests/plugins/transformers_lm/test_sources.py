"""Which language model a config.json describes: by its type, an alias, or a part of it."""

import json

import pytest

from flopbench.errors import UsageError
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.config import LmOptions, read_config
from flopbench_transformers_lm.model_types import ALIASES, causal_lm_types, multimodal_types

SIZES = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "intermediate_size": 96,
    "vocab_size": 128,
}


@pytest.fixture
def file(tmp_path):
    def write(**values):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(values))
        return str(path)

    return write


def read(kind, path, **options):
    return read_config(kind, LmOptions(config=path, **options))


@pytest.mark.parametrize(("alias", "kind"), [("kimi_k2", "deepseek_v3"), ("mimo", "qwen2")])
def test_a_type_by_another_name_runs_as_what_it_is(file, alias, kind):
    path = file(model_type=alias, hidden_size=64, auto_map={"AutoModel": "modeling.Model"})
    config = read(alias, path)
    assert config.model_type == kind
    assert config.get("hidden_size") == 64
    assert config.notes == (f"{alias} runs as {kind}: {ALIASES[alias][1]}",)
    assert read(kind, path) == config
    assert HfModel.for_name(f"hf/{alias}").summary.endswith(f"as {kind}: closed forms and vendor")


def test_each_alias_stands_for_a_type_of_transformers_and_is_none_itself():
    assert {kind for kind, _ in ALIASES.values()} <= set(causal_lm_types())
    assert set(ALIASES).isdisjoint({*causal_lm_types(), *multimodal_types()})


@pytest.mark.parametrize("kind", ["llava", "gemma3", "mistral3", "internvl"])
def test_a_multimodal_type_runs_its_language_model_and_says_so(kind):
    config = read_config(kind, LmOptions())
    assert config.model_type in causal_lm_types()
    assert config.model_type != kind
    (note,) = config.notes
    assert note.startswith(f"{kind} is more than a language model: only its language model")
    assert f"({config.model_type})" in note


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen3_vl", "glm_ocr", "paddleocr_vl"])
def test_a_language_model_without_a_class_of_its_own_runs_within_the_whole(kind):
    config = read_config(kind, LmOptions())
    assert config.model_type == kind
    assert config.decoder.model_type == f"{kind}_text"
    assert config.decoder.get("hidden_size") == config.get("text_config")["hidden_size"]


def test_fields_of_a_language_model_may_stand_beside_the_type_of_the_whole(file):
    path = file(model_type="hunyuan_vl", **SIZES, attention_head_dim=16, vision_config={})
    config = read("hunyuan_vl", path)
    assert config.decoder.model_type == "hunyuan_vl_text"
    assert config.decoder.get("hidden_size") == 64
    assert config.decoder.get("head_dim") == 16


def test_what_the_whole_models_config_rules_holds_for_the_part(file):
    path = file(
        model_type="gemma3",
        torch_dtype="float16",
        tie_word_embeddings=False,
        text_config={"model_type": "gemma3_text", **SIZES},
        vision_config={"model_type": "siglip_vision_model"},
    )
    config = read("gemma3", path)
    assert config.get("tie_word_embeddings") is False
    assert config.get("dtype") == "float16"
    assert config.get("hidden_size") == 64


def test_a_type_that_transformers_lacks_runs_the_language_model_in_it(file):
    inner = {"model_type": "kimi_k2", "num_hidden_layers": 2}
    path = file(model_type="some_vl_chat", llm_config=inner, vision_config={})
    config = read("some_vl_chat", path)
    assert config.model_type == "deepseek_v3"
    assert config.get("num_hidden_layers") == 2
    assert "some_vl_chat is more than a language model" in config.notes[0]
    assert config.notes[1].startswith("kimi_k2 runs as deepseek_v3")
    assert read("deepseek_v3", path) == config


def test_an_override_of_the_part_may_leave_its_name_out(file):
    path = file(model_type="gemma3", text_config={"model_type": "gemma3_text", **SIZES})
    nested = read("gemma3", path, overrides={"text_config": {"num_hidden_layers": 7}})
    assert nested.get("num_hidden_layers") == 7
    assert read("gemma3", path, overrides={"num_hidden_layers": 7}) == nested
    whole = read_config("qwen3_vl", LmOptions(overrides={"num_hidden_layers": 3}))
    assert whole.decoder.get("num_hidden_layers") == 3


MULTIMODAL = ("qwen2_5_omni", "paligemma", "ovis2", "voxtral", "paddleocr_vl", "gemma3", "llava")


@pytest.mark.parametrize("kind", [*MULTIMODAL, "qwen2_vl", "kimi_k25"])
@pytest.mark.parametrize("field", ["hidden_size", "vocab_size", "num_hidden_layers"])
def test_an_override_reaches_the_decoder_whoever_owns_the_field(kind, field):
    before = read_config(kind, LmOptions()).decoder.get(field)
    config = read_config(kind, LmOptions(overrides={field: 2 * before}))
    assert config.decoder.get(field) == 2 * before
    nested = {field: 2 * before}
    for part in reversed(config.part):
        nested = {part: nested}
    assert read_config(kind, LmOptions(overrides=nested)).decoder == config.decoder


def test_numbers_in_overrides_are_read_as_people_mean_them(file):
    assert (
        read_config("llama", LmOptions(overrides={"hidden_size": "1k"})).get("hidden_size") == 1024
    )
    with pytest.raises(UsageError, match=r"model.overrides.hidden_size must be .*010"):
        read_config("llama", LmOptions(overrides={"hidden_size": "010"}))


def test_a_folder_stands_for_its_config_json(file, tmp_path):
    path = file(model_type="llama", **SIZES)
    assert read("llama", str(tmp_path)) == read("llama", path)


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.1-8B", "Qwen/Qwen2.5-7B", "a/b"])
def test_the_name_of_a_repository_is_no_path(name):
    with pytest.raises(UsageError, match="nothing is downloaded; save the"):
        read("llama", name)


def test_a_path_that_is_too_long_is_one_sentence():
    with pytest.raises(UsageError, match=r"cannot read model.config=a+"):
        read("llama", "a" * 5000)


def test_a_file_without_a_type_is_of_the_one_that_is_asked_for(file):
    assert read("llama", file(**SIZES)).get("hidden_size") == 64


def test_a_file_of_another_type_runs_as_the_one_named_only_if_that_is_asked_for(file):
    path = file(model_type="teleflm", **SIZES)
    with pytest.raises(UsageError, match=r"of model type 'teleflm', not 'llama': .*as_named=true"):
        read("llama", path)
    config = read("llama", path, as_named=True)
    assert (config.model_type, config.get("hidden_size")) == ("llama", 64)
    assert config.notes == ("a file of type 'teleflm' was run as 'llama', as model.as_named asks",)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("llma", "did you mean 'hf/llama'?"),
        ("qwen2_mo", "did you mean 'hf/qwen2_moe'?"),
        ("vit", "has this type, but not as a language model that runs on text alone"),
        ("nemotron-nas", "code that comes with a checkpoint is not run"),
        ("chatglm", "code that comes with a checkpoint is not run"),
        ("", "no language model 'hf/'"),
        ("*", "no language model 'hf/*'"),
    ],
)
def test_an_unknown_type_is_told_what_it_is(kind, said):
    with pytest.raises(UsageError) as caught:
        read_config(kind, LmOptions())
    assert said in str(caught.value)
    assert ("did you mean" in said) == ("did you mean" in str(caught.value))


@pytest.mark.parametrize("kind", ["qwen", "internlm2", "minicpmv"])
def test_the_type_in_a_file_is_not_taken_for_a_misspelt_one(file, kind):
    with pytest.raises(UsageError, match="code that comes with a checkpoint is not run"):
        read(kind, file(model_type=kind, **SIZES))
    with pytest.raises(UsageError, match=r"not 'llama': set model.as_named=true if it has"):
        read("llama", file(model_type=kind, **SIZES))


@pytest.mark.parametrize("kind", ["whisper", "bart", "marian"])
def test_a_decoder_without_its_encoder_is_told(kind):
    (note,) = read_config(kind, LmOptions()).notes
    assert note.startswith(f"{kind} is an encoder and a decoder: only the decoder was run")


def test_an_encoder_and_decoder_is_no_decoder_alone():
    with pytest.raises(UsageError, match="florence2 has an encoder and a decoder"):
        read_config("florence2", LmOptions())


def test_a_config_that_is_of_its_type_by_name_alone_is_refused(file):
    path = file(model_type="vl", language_config={"model_type": "deepseek_v2", "use_mla": False})
    with pytest.raises(UsageError, match=r"use_mla=false.*`flopbench run deepseek_ocr`"):
        read("vl", path)


def test_what_a_file_says_of_quantisation_is_kept(file):
    said = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    config = read("llama", file(model_type="llama", quantization_config=said, **SIZES))
    assert config.quantisation == said
    assert config.notes == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("num_hidden_layers", 10**9), ("num_labels", 10**8), ("intermediate_size", 10**30)],
)
def test_a_size_that_no_memory_holds_is_one_sentence(file, field, value):
    with pytest.raises(UsageError, match=f"{field} must be at most 1[0,]+, got 1000000"):
        read("llama", file(model_type="llama", **{field: value}))


def test_so_is_one_in_an_override():
    said = "with model.overrides: num_hidden_layers must be at most"
    with pytest.raises(UsageError, match=said):
        read_config("llama", LmOptions(overrides={"num_hidden_layers": 10**9}))


def test_what_transformers_logs_is_no_part_of_an_error(file, capfd):
    with pytest.raises(UsageError):
        read("llama", file(model_type="llama", sub_configs={}, **SIZES))
    assert capfd.readouterr() == ("", "")
