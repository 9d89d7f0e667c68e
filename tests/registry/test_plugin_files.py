"""Plugins in a file, given with -p: used where they work, named where they do not."""

import json

import pytest

from support.cli import ANALYTIC, REPORTS, one_sentence, plugin
from toy import write_toy


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


NO_VENDOR = ("return [ToyVendor]", "return []")


def test_a_model_in_one_file_with_postponed_annotations(flopbench, tmp_path):
    name = write_toy(tmp_path, NO_VENDOR)
    result = flopbench("run", "toy", "rows=1", "-p", name, "--analytic-only")
    assert "must name a section: workload.rows" in one_sentence(result)
    four = ("workload.rows=4", "--analytic-only", "--format", "json")
    result = flopbench("run", "toy", "-p", name, *four)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["verdict"] == "not_checked"
    assert {s["flops"] for s in report["series"]} == {4 * 64}
    message = one_sentence(flopbench("run", "toy", "-p", name))
    assert "model 'toy' has no vendor model" in message
    assert "`flopbench run --analytic-only` prices its closed forms alone" in message


ROWS, FACTS = "rows=workload.rows, in", 'return {"rows": workload.rows}'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return inputs", "raise RuntimeError('no rows')", "workload failed: RuntimeError"),
        ("return cls()", "raise RuntimeError('no')", "from_options failed: RuntimeError: no"),
        (FACTS, "return None", "workload_facts must return a Mapping, got None"),
        (ROWS, "rows=1.5, in", "pricing stage 'prefill' of model 'toy'"),
        (ROWS, "rows=__import__('sympy').Symbol('S'), in", "must be an int, got 64*S"),
    ],
)
def test_a_model_that_breaks_is_named(flopbench, tmp_path, old, new, message):
    name = write_toy(tmp_path, (old, new))
    assert message in one_sentence(flopbench("run", "toy", "-p", name, "--analytic-only"))


STAGE = 'Stage("prefill", "Prefill")'


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (f"stages = ({STAGE},)", "stages = ()", "stages"),
        (STAGE, 'Stage("prefill", "Prefill", parts=("none",))', "stages"),
        ("inputs_type = Inputs", "inputs_type = dict", "inputs_type"),
        ('architecture = "toy"', 'architecture, parts = "toy", 5', "parts"),
        ('architecture = "toy"', 'architecture, sweeps = "toy", (5,)', "sweeps"),
    ],
)
def test_a_model_without_its_class_attributes_is_not_listed(flopbench, tmp_path, old, new, what):
    result = flopbench("list", "-p", write_toy(tmp_path, (old, new)))
    assert result.returncode == 2
    assert f"AnalyticModel Toy has no valid {what}" in result.stdout


def test_a_default_that_fails_is_told_and_the_rest_is_listed(flopbench, tmp_path):
    failing = "rows: int = field(factory=lambda: 1 // 0)"
    changes = (("import frozen", "import field, frozen"), ("rows: int = 1", failing))
    result = flopbench("list", "keys", "plugins", "-p", write_toy(tmp_path, *changes))
    assert result.returncode == 0
    assert "toy: workload.rows (its default failed: ZeroDivisionError: " in result.stdout
    assert "toy.py, line " in result.stdout
    assert "toy: workload.kind=plain" in result.stdout
    assert "Failed plugins: none" in result.stdout
