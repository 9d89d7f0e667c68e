"""One row: its numbers against the real model's, and the same bytes wherever it is made."""

import json
import pickle

import attrs
import pytest
import sympy

from flopbench.commands.prove.runner import analytic_forms, prove
from flopbench.commands.run.runner import run
from flopbench.commands.survey.found import ConfigFile
from flopbench.commands.survey.request import Works, requested
from flopbench.commands.survey.row import survey_row
from flopbench.dims.forms import evaluate, symbol
from flopbench.errors import PluginError

SMALL = {"hidden_size": 32, "intermediate_size": 22, "num_hidden_layers": 2, "vocab_size": 37}
SMALL |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 6}

CONFIGS = {
    "llama": {"model_type": "llama", **SMALL},
    "tied": {"model_type": "llama", "tie_word_embeddings": True, **SMALL},
    "qwen3_moe": {"model_type": "qwen3_moe", **SMALL, **EXPERTS},
}
SETTINGS = ("workload.context_tokens=12", "workload.decode_steps=3", "workload.batch_size=2")


def request(**options):
    return requested(Works(run, prove, analytic_forms), overrides=SETTINGS, **options)


def config(values, name="models/small.json", **beside):
    contents = {"config.json": json.dumps(values).encode(), **beside}
    return ConfigFile(name, contents)


def row(values, **options):
    return survey_row(request(**options), config(values))


def of_stage(found, name):
    return next(stage for stage in found["stages"] if stage["stage"] == name)


@pytest.mark.parametrize("name", ["tied", "qwen3_moe"])
def test_parameters_are_those_of_the_real_model(name):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    values = dict(CONFIGS[name])
    with torch.device("meta"):
        made = AutoModelForCausalLM.from_config(AutoConfig.for_model(**values))
    real = sum(parameter.numel() for parameter in made.parameters())
    found = row(values, analytic_only=True)
    assert found["parameters"] == real
    unused = 2 * 3 * (3 * 32 * 6) if name == "qwen3_moe" else 0  # layers x experts x matrices
    assert found["active_parameters"] == real - unused
    assert found["weight_bytes"] == 2 * real
    assert found["verdict"] == "not_checked"


def test_laws_give_the_flops_that_the_vendor_is_counted_to_do():
    found = row(CONFIGS["qwen3_moe"], check="run")
    assert (found["verdict"], found["reason"]) == ("verified", None)
    names = {name: symbol(name) for name in "BSK"}
    sizes = {"B": 2, "S": 12, "K": 3}
    for name, tokens in {"prefill": 24, "decode": 6}.items():
        stage = of_stage(found, name)
        law = sympy.sympify(stage["law"], locals=names)
        assert evaluate(law, sizes) == stage["flops"]
        assert stage["flops_per_token"] == stage["flops"] / tokens
    # Keys and values of 2 heads of 8, in 2 layers, in 2 bytes.
    assert found["kv_bytes_per_token"] == 2 * 2 * 8 * 2 * 2
    assert found["kv_cache_bytes"] == 24 * found["kv_bytes_per_token"]


def test_by_default_it_is_proved_and_its_laws_are_those_of_any_check():
    found = row(CONFIGS["llama"])
    assert (found["verdict"], found["reason"]) == ("proved", None)
    assert found["stages"] == row(CONFIGS["llama"], analytic_only=True)["stages"]


def test_a_gpu_adds_bounds_whose_file_may_be_on_another_machine(tmp_path):
    gpu = tmp_path / "mine.yaml"
    gpu.write_text("{title: Mine, memory_gb: 1, bandwidth_gbps: 10, peak_tflops: {bfloat16: 1}}")
    asked = request(analytic_only=True, gpu=gpu)
    gpu.unlink()
    found = survey_row(asked, config(CONFIGS["llama"]))
    made = found["deployment"]
    assert (made["gpu"], made["fits"]) == ("mine", True)
    assert made["needed_bytes"] > found["weight_bytes"]
    least = 1000 * found["weight_bytes"] / 10e9  # the token table is not read whole
    assert of_stage(found, "decode")["bound_ms"] > 3 * least / 2


def test_what_is_refused_is_the_same_wherever_it_is_made(tmp_path, monkeypatch):
    values = {("hiden_size" if k == "hidden_size" else k): v for k, v in SMALL.items()}
    misspelt = config({"model_type": "llama", **values}, "there/mis spelt.json")
    asked = request(analytic_only=True)
    here = survey_row(asked, misspelt)
    assert here["verdict"] == "refused"
    assert here["reason"].startswith("model.config=there/mis spelt.json")
    elsewhere = tmp_path / ("long" * 40)
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(elsewhere)
    there = survey_row(*pickle.loads(pickle.dumps((asked, misspelt))))  # noqa: S301 - our own
    assert {**there, "seconds": 0} == {**here, "seconds": 0}
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("data", "verdict", "reason"),
    [
        (b"{", "refused", "model.config=models/small.json is not a JSON file: "),
        (b"[]", "refused", "model.config=models/small.json must hold a JSON object"),
        (b"{}", "refused", "no model reads models/small.json"),
        (b'{"model_type": "lama"}', "refused", "(the nearest name is 'hf/llama')"),
        (
            b'{"model_type": "own", "auto_map": {"AutoModel": "modeling_own.Own"}}',
            "refused",
            "code that comes with a checkpoint is not run",
        ),
    ],
)
def test_what_is_no_config_of_a_known_model_is_refused(data, verdict, reason):
    found = survey_row(request(), ConfigFile("models/small.json", {"config.json": data}))
    assert found["verdict"] == verdict
    assert reason in found["reason"]
    assert found["parameters"] is None


def test_another_machine_with_other_code_makes_no_row():
    asked = attrs.evolve(request(analytic_only=True), code=("another",))
    with pytest.raises(PluginError, match="the code of flopbench, or of a plugin, is not what"):
        survey_row(asked, config(CONFIGS["llama"]))


def test_settings_that_a_model_does_not_have_are_left_out_and_told():
    asked = requested(
        Works(run, prove, analytic_forms),
        overrides=("workload.prompt_tokens=7", *SETTINGS),
        analytic_only=True,
    )
    found = survey_row(asked, config(CONFIGS["llama"]))
    assert found["notes"] == ["hf/llama has no workload.prompt_tokens: it is left out"]
    assert found["workload"] == {"batch_size": 2, "context_tokens": 12, "decode_steps": 3}
