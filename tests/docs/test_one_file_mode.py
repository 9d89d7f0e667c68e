"""An attention mode in one file of at most 30 lines is everywhere, with no change elsewhere."""

import json
from pathlib import Path

import pytest

from toy import write_toy

ROOT = Path(__file__).parents[2]
MODE = ROOT / "docs" / "snippets" / "plugins" / "windowed.py"
LABEL = "analytic windowed (full)"
IN_SWEEPS = "analytic (windowed, full)"

CORE = """yield Attention(component='core', batch=1, heads=2, kv_heads=1, head_dim=8,
                        value_dim=8, queries=workload.rows, keys=workload.rows, causal=True)
        yield Linear("""
DECODER = (
    ("    AnalyticModel,\n", "    AnalyticModel,\n    Attention,\n"),
    ('name = "toy"', 'name = "other"'),
    ("yield Linear(", CORE),
)
"""The toy, changed to a model of a stranger's with an attention core."""

MODELS = {
    "deepseek_ocr": ("prefill", "workload.prompt_tokens=10,5000"),
    "other": ("prefill", "workload.rows=100,1000"),
}


def test_it_has_30_lines_at_most():
    assert len(MODE.read_text().splitlines()) <= 30


@pytest.fixture(params=MODELS)
def case(request, tmp_path):
    write_toy(tmp_path, *DECODER, name="other")
    stage, vary = MODELS[request.param]
    options = ("--analytic-only", "--stages", stage, "--attention", "eager,flash,windowed")
    return request.param, stage, vary, ("-p", MODE, "-p", "other.py", *options)


def test_it_is_in_a_run(case, flopbench, tmp_path):
    model, _, vary, options = case
    done = flopbench("run", model, vary.partition(",")[0], *options, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert LABEL in [line.split(":")[0].strip() for line in done.stdout.splitlines()]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [s["label"] for s in report["series"] if s["attention"] == "windowed"] == [LABEL]
    for name in ("report.md", "report.csv"):
        assert LABEL in (tmp_path / "out" / name).read_text()


def test_it_is_in_a_sweep_with_tables_and_plots(case, flopbench, tmp_path):
    model, stage, vary, options = case
    done = flopbench("sweep", model, "--vary", vary, *options, "--plots", "--out", "out")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    report = json.loads((out / "sweep.json").read_text())
    assert report["modes"]["windowed"] == IN_SWEEPS
    short, long = (point[stage]["cost"] for point in report["points"])
    # Where the window matters it takes less than the causal half, and nowhere more.
    assert long["windowed"]["tensor_flops"] < long["flash"]["tensor_flops"]
    assert short["windowed"]["tensor_flops"] <= short["flash"]["tensor_flops"]
    assert "| windowed |" in (out / "sweep.md").read_text()
    assert "windowed" in (out / "sweep.csv").read_text()
    # Matplotlib keeps a legend's text as comments where it draws glyphs.
    drawn = {path.name for path in out.glob("*.svg") if IN_SWEEPS in path.read_text("utf-8")}
    assert f"{stage}_flops.svg" in drawn


def test_it_is_in_an_explanation(flopbench):
    done = flopbench("explain", "deepseek_ocr", "-p", MODE, "--attention", "windowed")
    assert done.returncode == 0, done.stderr
    assert "windowed" in done.stdout
