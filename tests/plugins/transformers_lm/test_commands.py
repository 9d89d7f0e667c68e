"""The command line on a model type without closed forms: its vendor is counted alone."""

import json
import subprocess
import sys

import pytest

from flopbench.commands.explain.tree import explain
from flopbench.commands.prove.runner import prove
from flopbench.commands.sweep.plan import plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.errors import UsageError
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from support.cli import one_sentence, shown

# CTRL: a type of 2019 that nobody has written closed forms of.
SMALL = ("hf/ctrl", "model.overrides={n_layer: 2, n_embd: 32, n_head: 2, dff: 64}")
CONTEXT = ("workload.context_tokens=8", "workload.decode_steps=2")
REASON = "flopbench-transformers-lm has no closed forms for 'ctrl'"


def test_an_uncovered_type_gets_the_vendor_alone_and_is_told_so(flopbench, tmp_path):
    done = flopbench("run", *SMALL, *CONTEXT, "--out", "out")
    assert (done.returncode, done.stderr[:16]) == (0, "flopbench: wrote")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["verdict"], report["no_closed_forms"]) == ("not_checked", REASON)
    assert report["comparisons"] == []
    assert [(s["stage"], s["kind"]) for s in report["series"]] == [
        ("prefill", "vendor"),
        ("decode", "vendor"),
        ("end2end", "vendor"),
    ]
    prefill = report["series"][0]["breakdown"]
    # Four products of 32 x 32 and the scores of two layers on 8 tokens.
    attention = sum(e["flops"] for e in prefill if "attention" in e["component"])
    assert attention == 2 * (2 * 4 * 8 * 32 * 32 + 2 * 2 * 8 * 8 * 32)
    assert REASON in (tmp_path / "out" / "report.md").read_text()


def test_what_needs_closed_forms_says_that_there_are_none():
    catalog = build_catalog(load_plugins())
    vary = SweepRequest(model="hf/ctrl", vary=("workload.context_tokens=8,16",))
    plan = make_plan(catalog, "hf/ctrl", overrides=[*SMALL[1:], *CONTEXT])
    alone = {"run.analytic_only": True}
    for refused in (
        lambda: explain(plan),
        lambda: prove(plan, catalog),
        lambda: plan_sweep(catalog, vary),
        lambda: make_plan(catalog, "hf/ctrl", options=alone),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert str(caught.value) == f"model 'hf/ctrl': {REASON}; `flopbench run` counts its vendor"


def test_work_without_a_formula_is_never_silent(flopbench):
    layers = "num_hidden_layers: 2, layer_types: [linear_attention, full_attention]"
    overrides = f"model.overrides={{{layers}}}"
    options = ("run.own_formulas=false", "--stages", "prefill", "--format", "json")
    done = flopbench("run", "hf/qwen3_next", overrides, *CONTEXT, *options)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    vendor = next(each for each in report["series"] if each["uncounted"])
    uncounted = {(op["op"], op["component"]) for op in vendor["uncounted"]}
    assert ("aten.linalg_solve_triangular", "decoder/recurrence/core") in uncounted
    assert report["verdict"] == "not_verified"


def test_a_type_that_transformers_does_not_build_is_not_counted(flopbench):
    options = ("--stages", "prefill", "--format", "console,json")
    done = flopbench("run", "hf/dots1", *CONTEXT, *options)
    assert done.returncode == 1
    text, report = shown(done)
    (series,) = report["series"]
    assert "transformers cannot build dots1: TypeError" in text
    assert series["flops"] is None
    assert "transformers cannot build dots1: TypeError" in series["error"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("run", "hf/llma"), "did you mean 'hf/llama'?"),
        (("run", *SMALL, "vendor.attention=sdpa"), "must be 'eager'"),
        (("run", *SMALL, "workload.context_tokens=0"), "workload.context_tokens must be >= 1"),
        (("run", *SMALL, "workload.context=3"), "did you mean 'context_tokens'?"),
        (("run", "hf/ctrl", "model.overrides=3"), "model.overrides"),
        (("run", "hf/ctrl", "model.config=no.json"), "cannot read model.config=no.json"),
        (("run", "hf/ctrl", "model.dtype=int8"), "model.dtype"),
        (("run", "hf/ctrl", "--image", "page.png"), "takes no image"),
    ],
)
def test_bad_input_is_one_sentence(flopbench, command, message):
    assert message in one_sentence(flopbench(*command))


def test_a_misspelt_type_is_told_without_importing_torch(flopbench, tmp_path):
    code = (
        "import sys, contextlib\n"
        "from flopbench.cli import main\n"
        "sys.argv = ['flopbench', 'run', 'hf/llma']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "did you mean 'hf/llama'?" in done.stderr


def test_an_unknown_model_is_told_the_other_names_without_each_type(flopbench):
    done = flopbench("run", "zzz")
    assert done.returncode == 2
    assert "unknown model 'zzz': expected one of " in done.stderr
    assert " hf/*" in done.stderr
    assert "hf/llama" not in done.stderr
