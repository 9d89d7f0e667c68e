"""Which files of a folder are configs, each once; and what cannot be read."""

import json
import os
from pathlib import Path

import pytest

from flopbench import UsageError
from flopbench.commands.survey.found import find

LLAMA = json.dumps({"model_type": "llama"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(name, text=LLAMA):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def names(*paths, beside=()):
    return [config.name for config in find(paths, beside).configs]


def test_configs_are_those_that_say_a_type_and_all_that_are_called_so():
    put("all/b.json")
    put("all/A.JSON")
    put("all/model/config.json", '{"hidden_size": 8}')
    put("all/model/deep/config.json", "no JSON")
    for name in ("tokenizer.json", "model.safetensors.index.json", "preprocessor_config.json"):
        put(f"all/model/{name}")
    put("all/.cache/config.json")
    put("all/notes.txt")
    for name, text in {"list": "[1]", "none": "{}", "number": '{"model_type": 3}'}.items():
        put(f"all/other/{name}.json", text)
    put("all/other/broken.json", "[" * 100_000)
    found = find(["all"])
    assert [config.name for config in found.configs] == [
        "all/A.JSON",
        "all/b.json",
        "all/model/config.json",
        "all/model/deep/config.json",
    ]
    assert found.skipped == 7
    assert found.configs[1].contents == {"config.json": LLAMA.encode()}


def test_a_file_that_is_named_is_a_row_whatever_it_holds():
    put("tokenizer.json", "[")
    (config,) = find(["./tokenizer.json"]).configs
    assert (config.name, config.problem) == ("./tokenizer.json", None)


def test_each_file_is_found_once_under_its_first_name_and_loops_end():
    put("all/model/config.json")
    put("z.json")
    Path("all/model/link.json").symlink_to("../../z.json")
    Path("all/model/up").symlink_to("..")
    Path("all/again").symlink_to("model")
    assert names("all", "all/model", "z.json", "./all/model/config.json") == [
        "all/again/config.json",
        "all/again/link.json",
    ]


def test_files_beside_a_config_travel_with_it_and_change_its_digest():
    put("model/config.json")
    alone = find(["model"], ["more.json"]).configs[0]
    put("model/more.json", "{}")
    (both,) = find(["model"], ["more.json", "absent.json"]).configs
    assert both.contents == {"config.json": LLAMA.encode(), "more.json": b"{}"}
    assert both.digest != alone.digest
    assert find(["model/config.json"], ["more.json"]).configs[0].digest == both.digest


def test_what_cannot_be_read_is_a_row_with_the_reason():
    put("all/a.json")
    with Path("all/large.json").open("w") as file:
        file.truncate(100 * 10**6)
    Path("all/loop.json").symlink_to("loop.json")
    os.mkfifo("all/pipe.json")
    problems = {config.name: config.problem for config in find(["all"]).configs}
    assert problems == {
        "all/a.json": None,
        "all/large.json": "cannot read model.config=all/large.json: "
        "it holds more than 67,108,864 bytes",
        "all/loop.json": "cannot read model.config=all/loop.json: "
        "Too many levels of symbolic links",
        "all/pipe.json": "cannot read model.config=all/pipe.json: it is not a regular file",
    }


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "give a config.json, or a folder of them"),
        (["hf/llama"], "cannot read hf/llama: there is no such file or folder; a survey takes"),
        (["a\0b"], "cannot read a"),
        (["empty"], "it holds 2 other JSON files"),
    ],
)
def test_nothing_to_survey_is_one_sentence(paths, message):
    put("empty/tokenizer.json")
    put("empty/x.json", "{}")
    with pytest.raises(UsageError, match=message):
        find(paths)
