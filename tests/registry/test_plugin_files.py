"""Plugins in a file, given with -p: used where they work, named where they do not."""

import json

import pytest

from support.cli import ANALYTIC, REPORTS, one_sentence, plugin


def test_an_attention_mode_of_ten_lines_runs_on_the_model(flopbench, tmp_path):
    name = plugin(
        tmp_path,
        """
        from flopbench import AttentionMode, MatMul, hookimpl

        class Scores(AttentionMode):
            name = "scores"

            def lower(self, op):
                yield MatMul(component=op.component, layers=op.layers, batch=op.batch * op.heads,
                             m=1, k=op.head_dim, n=op.pairs)

        @hookimpl
        def flopbench_attention_modes():
            return [Scores]
        """,
    )
    result = flopbench(*ANALYTIC, "-p", name, "--attention", "eager,scores", "--format", "json")
    series = json.loads(result.stdout)["series"]
    assert {s["label"] for s in series} == {"analytic eager (full)", "analytic scores (full)"}
    listed = flopbench("-p", name, "list").stdout
    assert "scores" in listed
    assert "[mine, -p]" in listed


RAISES = """
    from flopbench import AttentionMode, Reporter, hookimpl

    class Bad(AttentionMode):
        name = "bad"
        def lower(self, op):
            raise RuntimeError("no attention today")

    class Mute(Reporter):
        name = "mute"
        filename = "mute.txt"
        def render(self, report):
            raise RuntimeError("no words")

    @hookimpl
    def flopbench_attention_modes():
        return [Bad]

    @hookimpl
    def flopbench_reporters():
        return [Mute]
"""


def test_a_mode_that_raises_is_named(flopbench, tmp_path):
    name = plugin(tmp_path, RAISES)
    message = one_sentence(flopbench(*ANALYTIC, "-p", name, "--attention", "bad"))
    assert "attention mode 'bad'" in message
    assert "RuntimeError: no attention today" in message


def test_a_reporter_that_raises_is_named_and_fatal_if_asked_for(flopbench, tmp_path):
    name = plugin(tmp_path, RAISES)
    result = flopbench(*ANALYTIC, "-p", name, "--out", "out")
    assert result.returncode == 2
    assert "plugin 'mine' (-p): reporter 'mute' failed: RuntimeError: no words" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == REPORTS
    message = one_sentence(flopbench(*ANALYTIC, "-p", name, "--out", "new", "--format", "mute"))
    assert message == "reporter 'mute' failed: RuntimeError: no words (mine.py, line 13)"
    assert not (tmp_path / "new").exists()


def test_a_broken_plugin_is_named_and_fatal_when_strict(flopbench, tmp_path):
    name = plugin(tmp_path, "import not_a_module")
    result = flopbench(*ANALYTIC, "-p", name)
    assert result.returncode == 2
    assert "error: plugin 'mine' (-p) failed to import: ModuleNotFoundError" in result.stderr
    assert "warning: plugin 'mine' (-p) failed to import" in result.stdout
    assert "failed to import" in flopbench("list", "-p", name).stdout
    for args in (
        (*ANALYTIC, "-p", name, "--strict-plugins"),
        ("--strict-plugins", "-p", name, "list"),
    ):
        assert "failed to import" in one_sentence(flopbench(*args))


MODEL = """
    from __future__ import annotations
    from typing import Literal
    from attrs import frozen
    from flopbench import AnalyticModel, Linear, Stage, hookimpl

    @frozen
    class Inputs:
        rows: int = 3
        kind: Literal["a", "b"] = "a"

    @frozen
    class Options:
        pass

    class Toy(AnalyticModel):
        name = "toy"
        stages = (Stage("all", "All"),)
        options_type, inputs_type = Options, Inputs

        @classmethod
        def from_options(cls, options):
            return cls()

        architecture = None

        def workload(self, inputs):
            return inputs.rows

        def workload_facts(self, workload):
            return {}

        def ops(self, stage, workload):
            yield Linear(component="all", rows=workload, in_features=2, out_features=5)

    @hookimpl
    def flopbench_analytic_models():
        return [Toy]
"""


def test_a_model_in_one_file_with_postponed_annotations(flopbench, tmp_path):
    name = plugin(tmp_path, MODEL)
    result = flopbench("run", "toy", "rows=1", "-p", name, "--analytic-only")
    assert "must name a section: workload.rows" in one_sentence(result)
    result = flopbench("run", "toy", "workload.rows=4", "-p", name, "--analytic-only")
    assert result.returncode == 0, result.stderr
    assert "verdict: nothing was checked against a vendor" in result.stdout
    message = one_sentence(flopbench("run", "toy", "-p", name))
    assert "model 'toy' has no vendor model" in message
    assert "`flopbench run --analytic-only` prices its closed forms alone" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return inputs.rows", "raise RuntimeError('no rows')", "workload failed: RuntimeError"),
        ("return cls()", "raise RuntimeError('no')", "from_options failed: RuntimeError: no"),
        ("return {}", "return None", "workload_facts returned None, which is no Mapping"),
        ("rows=workload", "rows=1.5", "pricing stage 'all' of model 'toy'"),
        ("rows=workload", "rows=__import__('sympy').Symbol('S')", "must be an int, got 20*S"),
    ],
)
def test_a_model_that_breaks_is_named(flopbench, tmp_path, old, new, message):
    name = plugin(tmp_path, MODEL.replace(old, new))
    assert message in one_sentence(flopbench("run", "toy", "-p", name, "--analytic-only"))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('stages = (Stage("all", "All"),)', "stages = ()", "stages"),
        ('Stage("all", "All"),', 'Stage("all", "All", parts=("none",)),', "stages"),
        ("inputs_type = Options, Inputs", "inputs_type = Options, dict", "inputs_type"),
        ("architecture = None", "architecture, parts = None, 5", "parts"),
        ("architecture = None", "architecture, sweeps = None, (5,)", "sweeps"),
    ],
)
def test_a_model_without_its_class_attributes_is_not_listed(flopbench, tmp_path, old, new, what):
    result = flopbench("list", "-p", plugin(tmp_path, MODEL.replace(old, new)))
    assert result.returncode == 2
    assert f"AnalyticModel Toy has no proper {what}" in result.stdout


def test_a_default_that_fails_is_told_and_the_rest_is_listed(flopbench, tmp_path):
    text = MODEL.replace("import frozen", "import field, frozen")
    name = plugin(
        tmp_path, text.replace("rows: int = 3", "rows: int = field(factory=lambda: 1 // 0)")
    )
    result = flopbench("list", "-p", name)
    assert result.returncode == 0
    assert "toy: workload.rows (its default failed: ZeroDivisionError: " in result.stdout
    assert "mine.py, line " in result.stdout
    assert "toy: workload.kind=a" in result.stdout
    assert "Failed plugins: none" in result.stdout
