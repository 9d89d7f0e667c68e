"""A model named by the path of its config file, or of the folder that holds it."""

import json

import pytest

from flopbench.errors import UsageError
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins

SIZES = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
}
ALONE = {"run.analytic_only": True}


@pytest.fixture(scope="module")
def catalog():
    return build_catalog(load_plugins())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    values = {"model_type": "llama", **SIZES}
    (tmp_path / "tiny" / "config.json").write_text(json.dumps(values))
    return tmp_path


@pytest.mark.parametrize("path", ["tiny", "./tiny", "tiny/config.json", "tiny/"])
def test_a_config_file_or_its_folder_names_the_model(catalog, folder, path):
    plan = make_plan(catalog, path, options=ALONE)
    assert plan.model.name == "hf/llama"
    assert plan.model.architecture.get("hidden_size") == 64
    assert plan.config["model"]["config"] == path


def test_an_alias_and_a_file_in_a_file_are_told(catalog, folder):
    inner = {"model_type": "mimo", **SIZES}
    (folder / "c.json").write_text(json.dumps({"model_type": "new_vl", "text_config": inner}))
    plan = make_plan(catalog, "c.json", options=ALONE)
    assert plan.model.name == "hf/new_vl"
    assert plan.model.architecture.model_type == "qwen2"
    assert len(plan.model.notes()) == 2


def test_a_model_of_one_architecture_comes_before_one_of_any(catalog, folder):
    from plugins.deepseek_ocr.test_architecture import PUBLISHED as CONFIG

    (folder / "config.json").write_text(json.dumps(CONFIG))
    assert make_plan(catalog, ".", options=ALONE).model.name == "deepseek_ocr"


@pytest.mark.parametrize("other", ["model.config=other.json", "model.config=nothing.json"])
def test_two_files_are_one_too_many(catalog, folder, other):
    with pytest.raises(UsageError, match=r"tiny already is the model.config: leave one of the two"):
        make_plan(catalog, "tiny", overrides=[other], options=ALONE)
    point = {**ALONE, "model.config": "other.json"}
    with pytest.raises(UsageError, match=r"tiny already is the model.config: leave one of the two"):
        make_plan(catalog, "tiny", options=point)


@pytest.mark.parametrize(
    "command",
    [
        ("run", "tiny", "--analytic-only", "workload.context_tokens=8"),
        ("sweep", "tiny", "--vary", "workload.context_tokens=8,16", "--analytic-only"),
        ("explain", "tiny", "workload.context_tokens=8"),
        ("prove", "tiny", "--symbols", "B", "workload.context_tokens=8"),
        ("compare", "tiny", "tiny/config.json", "--analytic-only"),
    ],
    ids=lambda command: command[0],
)
def test_every_command_that_takes_a_model_takes_a_path(flopbench, folder, command):
    done = flopbench(*command, "workload.decode_steps=1")
    assert done.returncode == 0, done.stderr


def test_a_config_of_one_architecture_that_is_wrong_says_what_is_wrong(catalog, folder):
    from plugins.deepseek_ocr.test_architecture import PUBLISHED

    wrong = {**PUBLISHED, "language_config": {**PUBLISHED["language_config"], "hidden_size": -1}}
    (folder / "wrong.json").write_text(json.dumps(wrong))
    with pytest.raises(UsageError, match="hidden_size must be an integer of at least 0"):
        make_plan(catalog, "wrong.json", options=ALONE)


def test_the_name_of_a_model_comes_before_a_path(catalog, folder):
    (folder / "deepseek_ocr").mkdir()
    assert make_plan(catalog, "deepseek_ocr", options=ALONE).config["model"]["config"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nothing.json", "cannot read nothing.json: there is no such file or folder"),
        ("./nothing", "cannot read ./nothing: there is no such file or folder"),
        ("meta-llama/Llama-3.1-8B", "nothing is downloaded; save the config.json of that"),
        ("hff/llama", "unknown model 'hff/llama': did you mean 'hf/llama'?"),
        ("Hf/llama", "unknown model 'Hf/llama': did you mean 'hf/llama'?"),
        ("a" * 5000, "unknown model 'a"),
        ("nofolder", "; nor is there a file or folder of that name"),
        ("empty", "cannot read model.config=empty/config.json: No such file"),
        ("list.json", "model.config=list.json must hold a JSON object"),
        ("untyped.json", "no model reads untyped.json: name a model, and this file as its"),
    ],
)
def test_what_is_no_model_and_no_path_of_one_is_one_sentence(catalog, folder, given, said):
    (folder / "empty").mkdir()
    (folder / "list.json").write_text("[1]")
    (folder / "untyped.json").write_text("{}")
    with pytest.raises(UsageError) as caught:
        make_plan(catalog, given, options=ALONE)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 300 + "/config.json", "x" * 300 + "/x"])
def test_a_name_that_is_too_long_for_a_file_is_of_none(catalog, name):
    with pytest.raises(UsageError, match=r"^(unknown model 'x|cannot read x|x+/x is no path)"):
        make_plan(catalog, name, options=ALONE)
    with pytest.raises(UsageError, match=r"^cannot read model\.config=x"):
        make_plan(catalog, "hf/llama", options={**ALONE, "model.config": name})
