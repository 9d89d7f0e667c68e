"""What the report of a training step says of memory."""

import json

import jsonschema
import pytest

from flopbench.api.given import catalog_of
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.run.runner import run
from flopbench.errors import CountError
from flopbench.plan import make_plan
from flopbench.schemas import load

SMALL = [
    f"model.overrides.{name}={value}"
    for name, value in {
        "hidden_size": 32,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": 50,
    }.items()
]


def report_of(*overrides, stages=("train",)):
    catalog = catalog_of((), strict=False)
    given = [*SMALL, "workload.context_tokens=6", "workload.decode_steps=1", *overrides]
    plan = make_plan(catalog, "hf/llama", overrides=given, options={"run.stages": stages})
    return run(plan, catalog)


def memories(report):
    return {s.attention if s.kind == "analytic" else s.kind: s.memory for s in report.series}


@pytest.fixture(scope="module")
def report():
    return report_of("model.dtype=float32", "model.overrides.dtype=float32")


def test_a_step_keeps_less_in_flash_and_autograd_keeps_more(report):
    found = memories(report)
    rows, scores = 6, 4 * 6 * 6
    eager, flash = found["eager"], found["flash"]
    # Probabilities, or outputs that are kept anyway and one statistic of each row.
    assert eager["saved_bytes"] - flash["saved_bytes"] == 2 * 4 * (scores - 4 * rows)
    norms, targets = 5 * rows * 32 * 4, 7 * 8 + 4
    repeated = 2 * 2 * rows * 2 * 8 * 4
    assert found["vendor"]["saved_bytes"] == eager["saved_bytes"] + norms + targets + repeated
    attention, mlp = 32 * 32 * 2 + 32 * 16 * 2, 3 * 32 * 40
    weights = 2 * 50 * 32 + 2 * (attention + mlp) + 5 * 32
    assert eager["trained_parameters"] == weights
    assert (eager["gradient_bytes"], eager["state_bytes"]) == (4 * weights, 8 * weights)


def test_it_is_in_json_console_and_markdown(report):
    jsonschema.validate(json.loads(json.dumps(report.to_dict())), load("report"))
    assert "kept activations (eager): autograd keeps" in Console().render(report)
    markdown = Markdown().render(report)
    table = markdown[markdown.index("| kept for the backward, in bytes") :]
    header = table.splitlines()[0].strip("| ").split(" | ")
    assert header == ["kept for the backward, in bytes", "autograd (torch)", "eager", "flash"]


def test_other_stages_have_none():
    report = report_of(stages=("train_forward", "optimizer"))
    assert set(map(str, (s.memory for s in report.series))) == {"None"}


def test_what_cannot_be_watched_has_a_reason(monkeypatch):
    def fails(_self, _call):
        raise CountError("no hooks here")

    monkeypatch.setattr(TorchCounter, "saved", fails)
    report = report_of()
    found = memories(report)["vendor"]
    assert found["saved_bytes"] is None
    assert "no hooks here" in found["error"]
    assert "no hooks here" in Console().render(report)
    jsonschema.validate(json.loads(json.dumps(report.to_dict())), load("report"))
